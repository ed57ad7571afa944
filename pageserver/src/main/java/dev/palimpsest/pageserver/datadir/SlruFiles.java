package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.SlruKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The files of an SLRU: those that there are, and a page of zeros at the end where a server reads the page of the next entry
 * at its start and nothing was written to it yet. That no page is missing between the oldest entry in use and the next is
 * checked: a server would not start, or, were there zeros instead, take transactions for aborted.
 */
final class SlruFiles {
    private final SlruKind kind;
    private final dev.palimpsest.postgres.slru.SlruKind layout;
    private final TreeMap<Integer, Integer> existing = new TreeMap<>();
    private final TreeMap<Integer, Integer> pages = new TreeMap<>();

    /**
     * A file.
     *
     * @param path where it is to be
     * @param number of the segment
     * @param existingPages how many of its pages there are
     * @param pages how many it is to have; those that there are not hold zeros
     */
    record SlruFile(String path, SlruKind kind, int number, int existingPages, int pages) {
        private static final long PAGE = dev.palimpsest.postgres.slru.SlruKind.PAGE_SIZE;

        void write(ClusterAt cluster, DataDirectorySink sink) throws StorageException {
            sink.startFile(path, pages * PAGE);
            if (existingPages > 0) {
                byte[] existing = cluster.readSlruSegment(kind, new ClusterAt.SlruSegment(number, existingPages));
                if (existing.length != existingPages * PAGE) {
                    throw new CorruptionException(
                            path,
                            existing.length,
                            "it has " + existing.length + " bytes and was to have " + existingPages + " pages");
                }
                sink.write(existing, 0, existing.length);
            }
            sink.zeros((pages - existingPages) * PAGE);
            sink.endFile();
        }
    }

    /** The oldest and the newest transaction with a commit timestamp, 0 for none. */
    record CommitTimestampRange(int oldest, int newest) {}

    private SlruFiles(SlruKind kind, List<ClusterAt.SlruSegment> segments) {
        this.kind = kind;
        this.layout = switch (kind) {
            case XACT -> dev.palimpsest.postgres.slru.SlruKind.CLOG;
            case MULTIXACT_MEMBERS -> dev.palimpsest.postgres.slru.SlruKind.MULTIXACT_MEMBERS;
            case MULTIXACT_OFFSETS -> dev.palimpsest.postgres.slru.SlruKind.MULTIXACT_OFFSETS;
            case COMMIT_TIMESTAMPS -> dev.palimpsest.postgres.slru.SlruKind.COMMIT_TS;
        };
        for (ClusterAt.SlruSegment segment : segments) {
            existing.put(segment.number(), segment.pages());
        }
        pages.putAll(existing);
    }

    /** The commit log: every page from the oldest transaction in use to the one before the next. */
    static SlruFiles commitLog(List<ClusterAt.SlruSegment> segments, CheckPoint counters) throws CorruptionException {
        SlruFiles files = new SlruFiles(SlruKind.XACT, segments);
        int last = files.layout.pageOf((int) counters.nextXid() - 1);
        files.pad(last, false);
        files.require(files.layout.pageOf(counters.oldestXid()), last);
        return files;
    }

    /** Where multixacts' members begin: every page from the oldest multixact in use to the one before the next. */
    static SlruFiles multixactOffsets(List<ClusterAt.SlruSegment> segments, CheckPoint counters)
            throws CorruptionException {
        SlruFiles files = new SlruFiles(SlruKind.MULTIXACT_OFFSETS, segments);
        int last = files.layout.pageOf(counters.nextMulti() - 1);
        files.pad(last, counters.nextMulti() == 1);
        boolean any = counters.oldestMulti() != counters.nextMulti();
        files.require(any ? files.layout.pageOf(counters.oldestMulti()) : last, last);
        return files;
    }

    /** Multixacts' members: which is the oldest in use is not known; the page of the last is there. */
    static SlruFiles multixactMembers(List<ClusterAt.SlruSegment> segments, CheckPoint counters)
            throws CorruptionException {
        SlruFiles files = new SlruFiles(SlruKind.MULTIXACT_MEMBERS, segments);
        boolean none = counters.nextMultiOffset() == 0 || counters.nextMultiOffset() == 1;
        files.pad(none ? 0 : files.layout.pageOf(counters.nextMultiOffset() - 1), none);
        return files;
    }

    /**
     * Commit timestamps, if the cluster has any. What a server knows of them is what {@link #range} says. A page has fewer of
     * them than the next transaction may be ahead, so two pages may be missing.
     */
    static SlruFiles commitTimestamps(List<ClusterAt.SlruSegment> segments, CheckPoint counters)
            throws CorruptionException {
        SlruFiles files = new SlruFiles(SlruKind.COMMIT_TIMESTAMPS, segments);
        if (!segments.isEmpty()) {
            int last = files.layout.pageOf((int) counters.nextXid() - 1);
            if (!files.has(last)) {
                files.pad(files.before(last), false);
                files.pad(last, false);
            }
        }
        return files;
    }

    /**
     * What a server with these commit timestamps is to know: nothing if there are none; otherwise the newest is that of the
     * last transaction, and the oldest not before the pages that there are. An entry of zeros in between means that the
     * transaction has none.
     */
    CommitTimestampRange range(CheckPoint counters) {
        if (pages.isEmpty()) {
            return new CommitTimestampRange(TransactionId.INVALID, TransactionId.INVALID);
        }
        int newest = (int) counters.nextXid() - 1;
        int page = layout.pageOf(newest);
        int passed = 0;
        while (has(before(page)) && passed < layout.pageCount() / 2) {
            page = before(page);
            passed++;
        }
        int first = layout.firstEntry(page);
        int kept = TransactionId.isNormal(first) ? first : TransactionId.FIRST_NORMAL;
        int oldest = counters.oldestCommitTsXid();
        boolean isKept = TransactionId.isNormal(oldest)
                && !TransactionId.precedes(oldest, kept)
                && !TransactionId.precedes(newest, oldest);
        return new CommitTimestampRange(isKept ? oldest : kept, newest);
    }

    private static int segmentOf(int page) {
        return dev.palimpsest.postgres.slru.SlruKind.segmentOf(page);
    }

    private static int indexOf(int page) {
        return page % dev.palimpsest.postgres.slru.SlruKind.PAGES_PER_SEGMENT;
    }

    private boolean has(int page) {
        return pages.getOrDefault(segmentOf(page), 0) > indexOf(page);
    }

    private int before(int page) {
        return page == 0 ? layout.pageCount() - 1 : page - 1;
    }

    /** Adds the page if only it is missing: the one before is there, or none is needed because no entry was ever used. */
    private void pad(int page, boolean unused) throws CorruptionException {
        if (has(page)) {
            return;
        }
        if (!has(before(page)) && !(unused && indexOf(page) == 0)) {
            throw missing(before(page), page);
        }
        pages.put(segmentOf(page), indexOf(page) + 1);
    }

    private void require(int first, int last) throws CorruptionException {
        int page = first;
        while (has(page)) {
            if (page == last) {
                return;
            }
            page = page == layout.pageCount() - 1 ? 0 : page + 1;
        }
        throw missing(page, last);
    }

    private CorruptionException missing(int page, int last) {
        return new CorruptionException(
                kind.directory(),
                (long) page * dev.palimpsest.postgres.slru.SlruKind.PAGE_SIZE,
                "page " + page + " is missing, and entries up to page " + last + " are in use");
    }

    /** The files, in ascending order. */
    List<SlruFile> files() {
        List<SlruFile> files = new ArrayList<>();
        for (Map.Entry<Integer, Integer> segment : pages.entrySet()) {
            files.add(new SlruFile(
                    kind.directory() + "/" + dev.palimpsest.postgres.slru.SlruKind.segmentName(segment.getKey()),
                    kind,
                    segment.getKey(),
                    existing.getOrDefault(segment.getKey(), 0),
                    segment.getValue()));
        }
        return files;
    }
}
