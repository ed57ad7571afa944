package dev.palimpsest.pageserver.relation;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How long a timeline's relations are, kept for those that are read now: each fork's newest length, and the LSN from which on
 * it has been that. Reads below that LSN go to the timeline. Branches have lengths of their own. Safe for use by many threads.
 *
 * <p><b>Why it is never wrong.</b> Who writes to the timeline says {@link #changed} before a change can be read, so an entry
 * that is here is the newest one. An entry that was forgotten may be put back by a reader that has read an older length
 * before the change: so whatever is forgotten counts {@link #forgotten} first, and readers put back nothing if that has
 * moved since before they read.
 */
public final class RelationLengths {
    private static final int DEFAULT_MAX_FORKS = 1 << 17;
    private static final int GONE = -1;

    /**
     * @param since from when on, inclusive
     * @param blocks unsigned; -1 if the fork does not exist
     */
    private record Known(long since, int blocks) {}

    private final Timeline timeline;
    private final int maxForks;
    private final ConcurrentHashMap<RelTag, Known> newest = new ConcurrentHashMap<>();
    private final AtomicLong forgotten = new AtomicLong();

    /** Of some 100,000 forks at most. */
    public RelationLengths(Timeline timeline) {
        this(timeline, DEFAULT_MAX_FORKS);
    }

    RelationLengths(Timeline timeline, int maxForks) {
        this.timeline = timeline;
        this.maxForks = maxForks;
    }

    /**
     * The length of a fork, or nothing if it does not exist.
     *
     * @param lsn as of when; not after the timeline's last record
     */
    public OptionalInt length(RelTag fork, Lsn lsn, RequestContext context) throws StorageException {
        Known known = newest.get(fork);
        if (known != null && Long.compareUnsigned(known.since(), lsn.value()) <= 0) {
            return known.blocks() == GONE ? OptionalInt.empty() : OptionalInt.of(known.blocks());
        }
        long before = forgotten.get();
        boolean isNewest = lsn.equals(timeline.lastRecordLsn());
        OptionalInt read = new ClusterReader(timeline, lsn, context).relationLength(fork);
        if (isNewest && newest.size() < maxForks) {
            remember(fork, new Known(lsn.value(), read.orElse(GONE)), before);
        }
        return read;
    }

    private void remember(RelTag fork, Known read, long before) {
        newest.compute(fork, (_, there) -> {
            if (forgotten.get() != before) {
                return there;
            }
            return there == null ? read : there;
        });
    }

    /**
     * To be called by who writes, before what is read at {@code lsn} shows the change.
     *
     * @param blocks unsigned
     */
    public void changed(RelTag fork, int blocks, Lsn lsn) {
        newest.put(fork, new Known(lsn.value(), blocks));
    }

    /** As {@link #changed}, for a fork that is dropped. */
    public void dropped(RelTag fork, Lsn lsn) {
        changed(fork, GONE, lsn);
    }

    /** To be called by who writes, once all that has changed can be read: forgets everything if that is much. */
    public void forgetIfMany() {
        if (newest.size() >= maxForks) {
            forget();
        }
    }

    /** Forgets everything: to be called by who begins to write, since who wrote before may have left changes half-way. */
    public void forget() {
        forgotten.getAndIncrement();
        newest.clear();
    }

    /** How many forks are known. */
    public int size() {
        return newest.size();
    }
}
