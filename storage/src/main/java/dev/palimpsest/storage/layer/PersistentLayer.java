package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyRange;
import java.nio.file.Path;

/** A layer that is a file. Immutable; safe for use by many threads. Its owner calls {@link #retire} or {@link #drop} once. */
public interface PersistentLayer extends Layer {
    /** Its name, without a generation. */
    LayerName name();

    /** Where its file is. */
    Path path();

    /** The size of its file in bytes, as it was when the layer was made known. */
    long size();

    /**
     * Walks over every value in it. Reads nothing before the first call of {@link LayerIterator#next()}. Whoever asks holds
     * the layer ({@link #tryAcquire}) until the iterator is closed.
     */
    LayerIterator iterator(RequestContext context);

    /** Its owner lets go; the file is closed when the last reader has released the layer, and stays. */
    void retire();

    /**
     * Its owner lets go; the file is closed and deleted when the last reader has released the layer. That it is gone is
     * durable once its directory was synced after that. A file that cannot be deleted is logged; the next start finds it.
     */
    void drop();

    /** Who holds it. */
    LayerReferences references();

    @Override
    default boolean tryAcquire() {
        return references().tryAcquire();
    }

    @Override
    default void release() {
        references().release();
    }

    @Override
    default LayerKind kind() {
        return name().kind();
    }

    @Override
    default KeyRange keyRange() {
        return name().keyRange();
    }

    @Override
    default Lsn lsnStart() {
        return name().lsnStart();
    }

    @Override
    default Lsn lsnEnd() {
        return name().lsnEnd();
    }

    /** This layer as something to merge with others; whoever merges holds it as {@link #iterator} says. */
    default MergeIterator.Input input(RequestContext context) {
        return new MergeIterator.Input(keyRange().start(), lsnStart(), () -> iterator(context));
    }
}
