package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Clock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the owner of a timeline's write mutex does: chooses the open layer, writes to it, freezes it. All of it under that
 * one mutex, so a layer is never frozen under a writer: whoever chose a layer writes to it before anybody can freeze it.
 *
 * <p>A layer is frozen only between {@link #finish} and the next {@link #put}: all values of an LSN are in one layer, and
 * what is frozen is never newer than {@code last_record_lsn}.
 */
final class WritePath {
    private final Timeline timeline;
    private final Supplier<TimelineConfig> config;
    private final Clock clock;
    private @Nullable InMemoryLayer open;
    /** Where the next open layer starts, inclusive. */
    private Lsn nextOpenAt;
    /** The LSN from which the distance to the next freeze is counted. */
    private Lsn lastFreezeAt;
    /** The greatest LSN of a value that was put. */
    private Lsn highestPut;

    WritePath(Timeline timeline, Supplier<TimelineConfig> config, Clock clock, Lsn nextOpenAt) {
        this.timeline = timeline;
        this.config = config;
        this.clock = clock;
        this.nextOpenAt = nextOpenAt;
        this.lastFreezeAt = nextOpenAt;
        this.highestPut = Lsn.INVALID;
    }

    /** As {@link TimelineWriter#put}. */
    void put(SerializedBatch batch, RequestContext context) throws StorageException {
        if (batch.isEmpty()) {
            return;
        }
        Lsn last = timeline.lastRecordLsn();
        if (!batch.lowestLsn().isAfter(last) || batch.lowestLsn().isBefore(nextOpenAt)) {
            throw new InvalidRequestException("a value at " + batch.lowestLsn() + " cannot be put on timeline "
                    + timeline.id() + ": its last record is at " + last + ", its open layer starts at " + nextOpenAt);
        }
        if (!isUnfinished() && mustRoll(batch.sizeBytes(), config.get().checkpointDistance())) {
            freeze(context);
        }
        InMemoryLayer layer = open;
        if (layer == null) {
            layer = timeline.openLayer(nextOpenAt);
            open = layer;
        }
        layer.putBatch(batch, context);
        highestPut = Lsn.max(highestPut, batch.highestLsn());
    }

    /** As {@link TimelineWriter#finish}. */
    void finish(Lsn lsn, @Nullable Lsn previous) throws InvalidRequestException {
        Lsn last = timeline.lastRecordLsn();
        if (!lsn.isAligned()
                || lsn.isBefore(highestPut)
                || lsn.isBefore(last)
                || (previous != null && previous.isAfter(lsn))) {
            throw new InvalidRequestException("the last record of timeline " + timeline.id() + " cannot be at " + lsn
                    + ": it is at " + last + ", the one before at " + previous + ", values were put up to " + highestPut
                    + ", and records end at multiples of " + Lsn.RECORD_ALIGNMENT);
        }
        if (timeline.isVirgin() && !highestPut.isValid()) {
            throw new InvalidRequestException("the first record of timeline " + timeline.id() + ", at " + lsn
                    + ", must put something: there is no ancestor that could have it");
        }
        timeline.advanceLastRecord(lsn, previous == null ? last : previous);
    }

    /** Nothing was put by way of this path, and {@code lsn} is the last record now. */
    void startAfter(Lsn lsn) {
        nextOpenAt = lsn.plus(1);
        lastFreezeAt = nextOpenAt;
        highestPut = lsn;
    }

    private boolean isUnfinished() {
        return highestPut.isAfter(timeline.lastRecordLsn());
    }

    private boolean mustRoll(long incomingBytes, long sizeLimit) {
        InMemoryLayer layer = open;
        if (layer == null || layer.size() == 0) {
            return false;
        }
        long distance = timeline.lastRecordLsn().value() - lastFreezeAt.value();
        return distance >= config.get().checkpointDistance()
                || layer.size() + incomingBytes >= sizeLimit
                || clock.nanos() - layer.openedAtNanos()
                        >= config.get().checkpointTimeout().toNanos();
    }

    /** Freezes the open layer if it is old or big enough, or if layers in general take too much. */
    void tick(RequestContext context) throws StorageException {
        InMemoryLayer layer = open;
        if (layer == null || isUnfinished()) {
            return;
        }
        long sizeLimit =
                Math.min(config.get().checkpointDistance(), layer.tick().orElse(Long.MAX_VALUE));
        if (mustRoll(0, sizeLimit)) {
            freeze(context);
        }
    }

    /**
     * Freezes everything up to {@code last_record_lsn} and hands it to the flush; waits while too many layers wait there.
     *
     * @throws InvalidRequestException if values were put that are not finished
     */
    void freeze(RequestContext context) throws StorageException {
        Lsn at = timeline.lastRecordLsn();
        if (isUnfinished()) {
            throw new InvalidRequestException("timeline " + timeline.id() + " cannot be frozen at " + at
                    + ": values up to " + highestPut + " were put and not finished");
        }
        if (at.isBefore(nextOpenAt)) {
            return;
        }
        Lsn end = at.plus(1);
        InMemoryLayer layer = open;
        if (layer != null) {
            layer.freeze(end, context);
            timeline.layerSet().update(map -> map.edit().freeze().apply());
            open = null;
        }
        nextOpenAt = end;
        lastFreezeAt = end;
        timeline.flushLoop().request(at);
        timeline.flushLoop().awaitRoom(context);
    }
}
