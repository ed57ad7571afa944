package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layers of branches, one by one, for who wants to know or to steer what is where. Safe for use by many threads. What it says
 * of a branch that is not there is {@link BranchException.Kind#NOT_FOUND}, of one that is archived CONFLICT.
 */
public interface LayerService {
    /**
     * A layer in memory.
     *
     * @param lsnEnd where it ends, exclusive; null for the one that is open
     */
    record MemoryLayer(Lsn lsnStart, @Nullable Lsn lsnEnd) {}

    /**
     * A layer that is a file.
     *
     * @param name of its file, with its generation
     * @param bytes its size
     * @param image whether it has images, not versions
     * @param lsnEnd where it ends, exclusive; of images {@code lsnStart + 1}
     * @param remote whether the file is not on the local disk
     * @param l0 whether compaction has not come by yet
     */
    record FileLayer(String name, long bytes, boolean image, Lsn lsnStart, Lsn lsnEnd, boolean remote, boolean l0) {}

    /** A branch's own layers, those that are files by name. */
    record Layers(List<MemoryLayer> memory, List<FileLayer> files) {}

    /**
     * What of a branch only its timeline knows.
     *
     * @param prevRecordLsn the end of the record before the last one; 0/0 if that is not known
     * @param initdbLsn where its cluster's history begins
     * @param relSizeMigration which relation directory counts: {@code legacy}, {@code migrating}, {@code migrated}; null if not said
     * @param gcBlocked why GC is blocked, empty if it is not
     * @param formerAncestor the timeline that it was cut loose from, null if it never was
     */
    record Facts(
            Lsn prevRecordLsn,
            Lsn initdbLsn,
            @Nullable String relSizeMigration,
            List<String> gcBlocked,
            @Nullable String formerAncestor) {}

    /**
     * Layers that are being brought to the local disk, or were.
     *
     * @param running whether that goes on
     * @param layers how many there were to bring
     * @param done how many are here
     * @param failed how many could not be brought
     */
    record Downloads(String id, boolean running, int layers, int done, int failed) {}

    /** The layers that a branch has of its own. */
    Layers layers(String name) throws BranchException;

    /** What its timeline knows. */
    Facts facts(String name) throws BranchException;

    /**
     * Brings a layer's file to the local disk, and waits for it.
     *
     * @param layer the name of its file, with its generation or without
     * @return whether it was not there; INVALID if the branch has no such layer
     */
    boolean download(String name, String layer) throws BranchException;

    /**
     * Has a layer's file leave the local disk; if it is being read, when it is not any more.
     *
     * @param layer as for {@link #download}
     * @return whether it goes; not if it is not there, or not in the object store
     */
    boolean evict(String name, String layer) throws BranchException;

    /**
     * Begins to bring all layers to the local disk that are not there; it goes on after the return, and ends with the server.
     *
     * @param atOnce how many at a time, at least 1
     * @throws BranchException CONFLICT if it goes on already
     */
    Downloads downloadAll(String name, int atOnce) throws BranchException;

    /** How far the last {@link #downloadAll} of a branch is; NOT_FOUND if there was none since the server was started. */
    Downloads downloads(String name) throws BranchException;

    /** The value of a key as of an LSN; NOT_FOUND if it has none. For a relation's block its page, 8192 bytes. */
    byte[] value(String name, Key key, Lsn lsn) throws BranchException;

    /** Has GC remove nothing of a branch until {@link #unblockGc}. Durable on return. */
    void blockGc(String name) throws BranchException;

    /** Takes {@link #blockGc} back. Durable on return. */
    void unblockGc(String name) throws BranchException;
}
