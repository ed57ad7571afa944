package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.pageserver.upstream.TimelineHistory;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The WAL that is replayed after a backup: from where it begins along the newest PostgreSQL timeline there is, as with {@code
 * recovery_target_timeline = latest}, to the end of what there is, or to the segment with an LSN.
 *
 * @param timelines which it goes through, the oldest first
 * @param histories of all timelines that are known, by timeline
 * @param segments the files, without a gap
 * @param gap what is missing before more that is there; null if nothing is
 */
record WalPath(
        List<AdoptHeader.Step> timelines,
        SortedMap<Integer, byte[]> histories,
        List<Segment> segments,
        @Nullable String gap) {
    /** A segment, and the file with it. */
    record Segment(WalSegment name, Path file) {}

    /** A timeline between two LSNs. */
    private record Stretch(int timeline, Lsn from, Lsn to) {
        boolean has(long segment, int size) {
            return Long.compareUnsigned(segment, Long.divideUnsigned(from.value(), size)) >= 0
                    && Long.compareUnsigned(segment, Long.divideUnsigned(to.value(), size)) <= 0;
        }
    }

    /**
     * Finds it.
     *
     * @param start where it begins, on {@code timeline}
     * @param to where it may end; null for all there is
     * @throws AdoptException if the first segment is not there, the newest timeline did not come from this one, or a file is
     *     not what it should be
     */
    static WalPath find(WalArchive archive, Lsn start, int timeline, int segmentSize, @Nullable Lsn to)
            throws IOException, AdoptException {
        SortedMap<Integer, byte[]> histories = new TreeMap<>(Integer::compareUnsigned);
        keep(archive, timeline, histories);
        int newest = timeline;
        while (keep(archive, newest + 1, histories)) {
            newest++;
        }
        List<Stretch> stretches = stretches(start, timeline, newest, histories.get(newest));

        List<Segment> segments = new ArrayList<>();
        long first = Long.divideUnsigned(start.value(), segmentSize);
        long last =
                to == null ? Long.MAX_VALUE : Long.divideUnsigned(Math.max(to.value() - 1, start.value()), segmentSize);
        long number = first;
        for (; number <= last; number++) {
            Segment segment = file(archive, stretches, number, segmentSize);
            if (segment == null) {
                break;
            }
            segments.add(segment);
        }
        WalSegment missing = number > last ? null : nameOf(stretches, number, segmentSize);
        if (segments.isEmpty() && missing != null) {
            throw new AdoptException("WAL segment " + missing.fileName() + ", with which the backup's WAL begins at "
                    + start + ", is not there: name the directory with the archived WAL with --wal");
        }
        return new WalPath(
                steps(stretches),
                histories,
                List.copyOf(segments),
                missing == null ? null : gap(archive, stretches, missing, last));
    }

    private static boolean keep(WalArchive archive, int timeline, Map<Integer, byte[]> into) throws IOException {
        byte[] history = archive.history(timeline);
        if (history != null) {
            into.put(timeline, history);
        }
        return history != null;
    }

    private static List<Stretch> stretches(Lsn start, int timeline, int newest, byte @Nullable [] history)
            throws AdoptException {
        List<Stretch> stretches = new ArrayList<>();
        Lsn from = start;
        if (newest != timeline && history != null) {
            TimelineHistory read = parse(newest, history);
            boolean found = false;
            for (TimelineHistory.Ancestor ancestor : read.ancestors()) {
                found |= ancestor.timeline() == timeline;
                if (found) {
                    if (ancestor.switchLsn().isBefore(from)) {
                        throw notAncestor(read, timeline, start);
                    }
                    stretches.add(new Stretch(ancestor.timeline(), from, ancestor.switchLsn()));
                    from = ancestor.switchLsn();
                }
            }
            if (!found) {
                throw notAncestor(read, timeline, start);
            }
        }
        stretches.add(new Stretch(newest, from, Lsn.MAX));
        return stretches;
    }

    private static TimelineHistory parse(int timeline, byte[] history) throws AdoptException {
        String name = String.format(java.util.Locale.ROOT, "%08X%s", timeline, AdoptHeader.HISTORY);
        try {
            return TimelineHistory.parse(timeline, name, new String(history, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new AdoptException("the history file " + name + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static AdoptException notAncestor(TimelineHistory history, int timeline, Lsn start) {
        return new AdoptException("the newest timeline of the archive, " + Integer.toUnsignedString(history.timeline())
                + ", did not come from timeline " + Integer.toUnsignedString(timeline) + " after " + start
                + ", where the backup's WAL begins: " + history.fileName() + " says "
                + history.ancestors() + ". Take the history files out of the archive that are not to be followed");
    }

    private static List<AdoptHeader.Step> steps(List<Stretch> stretches) {
        return stretches.stream()
                .map(stretch -> new AdoptHeader.Step(Integer.toUnsignedLong(stretch.timeline), stretch.from.toString()))
                .toList();
    }

    /** The file of the newest timeline that has the segment: where two meet, its copy has the WAL of the older one too. */
    private static @Nullable Segment file(WalArchive archive, List<Stretch> stretches, long number, int size)
            throws IOException, AdoptException {
        for (Stretch stretch : stretches.reversed()) {
            if (stretch.has(number, size)) {
                WalSegment name = new WalSegment(stretch.timeline, number, size);
                Path file = archive.find(name);
                if (file != null) {
                    return new Segment(name, file);
                }
            }
        }
        return null;
    }

    private static WalSegment nameOf(List<Stretch> stretches, long number, int size) {
        Stretch newest = stretches.getFirst();
        for (Stretch stretch : stretches) {
            newest = stretch.has(number, size) ? stretch : newest;
        }
        return new WalSegment(newest.timeline, number, size);
    }

    private static @Nullable String gap(WalArchive archive, List<Stretch> stretches, WalSegment missing, long last)
            throws IOException, AdoptException {
        for (Stretch stretch : stretches) {
            long end = Math.min(
                    last,
                    stretch.to.equals(Lsn.MAX)
                            ? Long.MAX_VALUE
                            : Long.divideUnsigned(stretch.to.value(), missing.size()));
            WalSegment later =
                    archive.firstAfter(new WalSegment(stretch.timeline, missing.number(), missing.size()), end);
            if (later != null) {
                return "WAL segment " + missing.fileName() + " is not there, but " + later.fileName()
                        + " is: history reaches only to " + missing.start();
            }
        }
        return last == Long.MAX_VALUE
                ? null
                : "WAL segment " + missing.fileName() + " is not there: history reaches only to " + missing.start();
    }
}
