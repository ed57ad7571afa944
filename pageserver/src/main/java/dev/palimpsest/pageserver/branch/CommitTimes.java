package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.Timeline;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds LSNs by time, and times by LSN, out of the times of commits that are kept with the pages of {@code pg_xact}. They are
 * the primary's, so they are only as monotonic as its clock.
 */
final class CommitTimes implements PitrSearch.Commits {
    private static final long STEP = Lsn.RECORD_ALIGNMENT;

    private final Timeline timeline;
    private final RequestContext context;

    CommitTimes(Timeline timeline, RequestContext context) {
        this.timeline = timeline;
        this.context = context;
    }

    /** The time of the latest commit that the history up to {@code lsn} has; null if it has none since it is kept here. */
    @Override
    public @Nullable Instant latestCommit(Lsn lsn) throws StorageException {
        TimestampTz latest = null;
        for (KeyRange segment : segments(lsn)) {
            for (KeyResult page :
                    timeline.getVectored(KeySpace.of(segment), lsn, context).values()) {
                TimestampTz of = time(page);
                if (of != null && (latest == null || of.micros() > latest.micros())) {
                    latest = of;
                }
            }
        }
        return latest == null ? null : latest.toInstant();
    }

    private static @Nullable TimestampTz time(KeyResult page) throws StorageException {
        return switch (page) {
            case KeyResult.Found(byte[] bytes) -> PostgresRedo.latestCommit(bytes);
            case KeyResult.Failed(StorageException failure) -> throw failure;
        };
    }

    /** The pages of pg_xact, newest first: most often the first one decides. */
    private List<KeyRange> segments(Lsn lsn) throws StorageException {
        ClusterReader reader = new ClusterReader(timeline, lsn, context);
        SortedMap<Integer, Integer> segments = reader.slruSegments(SlruKind.XACT);
        List<KeyRange> ranges = new ArrayList<>();
        segments.forEach((segment, pages) -> {
            if (pages > 0) {
                Key first = SlruKeys.block(SlruKind.XACT, segment, 0);
                ranges.add(new KeyRange(first, first.plus(pages)));
            }
        });
        return ranges.reversed();
    }

    private boolean hasCommitAfter(long micros, Lsn lsn) throws StorageException {
        for (KeyRange segment : segments(lsn)) {
            for (KeyResult page :
                    timeline.getVectored(KeySpace.of(segment), lsn, context).values()) {
                TimestampTz of = time(page);
                if (of != null && of.micros() > micros) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * The last LSN from {@code from} to {@code to}, both inclusive, before the first commit after {@code time}; null if there is
     * such a commit at {@code from} already.
     */
    @Override
    public @Nullable Lsn lastBefore(Instant time, Lsn from, Lsn to) throws StorageException {
        long micros = TimestampTz.of(time).micros();
        if (!hasCommitAfter(micros, to)) {
            return to;
        }
        if (hasCommitAfter(micros, from)) {
            return null;
        }
        long without = from.value() / STEP;
        long with = (to.value() + STEP - 1) / STEP;
        while (with - without > 1) {
            long middle = without + (with - without) / 2;
            if (hasCommitAfter(micros, new Lsn(middle * STEP))) {
                with = middle;
            } else {
                without = middle;
            }
        }
        return Lsn.max(from, new Lsn(without * STEP));
    }
}
