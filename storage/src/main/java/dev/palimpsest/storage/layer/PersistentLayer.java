package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.KeyRange;
import java.nio.file.Path;

/**
 * A layer that is a file: resident while the file is here, remote while only the object store has it. A read of a remote one
 * waits for its download. What it holds never changes; safe for use by many threads. Its owner calls {@link #retire} or {@link
 * #drop} once.
 */
public interface PersistentLayer extends Layer {
    /** Its name and the generation it was written under. */
    LayerFileName fileName();

    /** The shard that wrote it. */
    ShardIndex shard();

    /** Its name, without a generation. */
    default LayerName name() {
        return fileName().name();
    }

    /** Where its file is while it is resident. */
    Path path();

    /** The size of its file in bytes, as it was when the layer was made known. */
    long size();

    /**
     * Walks over every value in it. Reads nothing before the first call of {@link LayerIterator#next()}. Whoever asks holds
     * the layer ({@link #tryAcquire}) until the iterator is closed.
     */
    LayerIterator iterator(RequestContext context);

    /** What of it is here, now. */
    Residency residency();

    /**
     * Says that the object store has it and that the index part in force names it, so that it may be evicted. Not taken back.
     */
    void uploaded();

    /**
     * Has its local file go, if the object store has the layer: at once if nobody reads it, and else when the last reader has
     * left. The next read brings it back. Does not wait; deletes the file, which may take some milliseconds. That it is gone
     * is not durable: after a crash it may be there again, complete.
     */
    Eviction evict();

    /** What has become of a request to evict. */
    enum Eviction {
        /** The file is gone. */
        EVICTED,
        /** It is being read; it goes in the first moment in which it is not. */
        WHEN_IDLE,
        /** It was not here, or is on its way, or the layer or its timeline is on its way out. */
        NOT_RESIDENT,
        /** The object store may not have it. */
        NOT_UPLOADED
    }

    /**
     * What of a layer is here.
     *
     * @param resident whether its file is
     * @param uploaded whether the object store has it
     * @param usedNanos when it was last read by somebody who waited for it, or came here, as the engine's clock counts; exact
     *     to a second
     */
    record Residency(boolean resident, boolean uploaded, long usedNanos) {}

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
