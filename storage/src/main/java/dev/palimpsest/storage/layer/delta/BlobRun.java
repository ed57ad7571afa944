package dev.palimpsest.storage.layer.delta;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;

/** What the blobs are that lie one after the other in a buffer, for {@link DeltaLayerWriter#putBlobs}. */
public interface BlobRun {
    /** How many they are. */
    int count();

    /** The key of one. */
    Key key(int index);

    /** The LSN of one. */
    Lsn lsn(int index);

    /** How long one is with its header, in bytes. */
    int length(int index);

    /** Whether one needs nothing older. */
    boolean willInit(int index);
}
