package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.Listings;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.slru.SlruPage;
import dev.palimpsest.postgres.slru.SlruTruncation;
import dev.palimpsest.postgres.slru.SlruUpdate;
import dev.palimpsest.postgres.slru.TransactionStatus;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Writes changes of SLRU pages, and which segments there are and how long, into a batch. */
final class SlruWriter {
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(8192).asReadOnlyBuffer();

    private final Supplier<ClusterReader> reader;
    private final SerializedBatch.Builder target;
    /** Of each SLRU its segments with their lengths in pages. */
    private final Map<SlruKind, SortedMap<Integer, Integer>> segments = new EnumMap<>(SlruKind.class);

    SlruWriter(Supplier<ClusterReader> reader, SerializedBatch.Builder target) {
        this.reader = reader;
        this.target = target;
    }

    /** Which of the store's SLRUs it is. */
    static SlruKind kindOf(dev.palimpsest.postgres.slru.SlruKind kind) {
        return switch (kind) {
            case CLOG -> SlruKind.XACT;
            case MULTIXACT_OFFSETS -> SlruKind.MULTIXACT_OFFSETS;
            case MULTIXACT_MEMBERS -> SlruKind.MULTIXACT_MEMBERS;
            case COMMIT_TS -> SlruKind.COMMIT_TIMESTAMPS;
        };
    }

    private SortedMap<Integer, Integer> segments(SlruKind kind) throws StorageException {
        SortedMap<Integer, Integer> known = segments.get(kind);
        if (known == null) {
            known = reader.get().slruSegments(kind);
            segments.put(kind, known);
        }
        return known;
    }

    void update(Change.Slru change, Lsn lsn) throws StorageException {
        SlruUpdate update = change.update();
        SlruKind kind = kindOf(update.kind());
        SlruPage page = update.page();
        int segment = page.segment();
        int block = page.pageNumber() % dev.palimpsest.postgres.slru.SlruKind.PAGES_PER_SEGMENT;
        Key key = SlruKeys.block(kind, segment, block);
        extend(kind, segment, block + 1, lsn, update.replacesPage());
        switch (update) {
            case SlruUpdate.Zero _ -> target.putImage(key, lsn, ZEROS);
            case SlruUpdate.Status(SlruPage _, int[] xids, TransactionStatus status) ->
                target.put(
                        key,
                        lsn,
                        status == TransactionStatus.COMMITTED
                                ? new WalRecord.ClogSetCommitted(xids, change.commitTime())
                                : new WalRecord.ClogSetAborted(xids));
            case SlruUpdate.CommitTime _ ->
                target.put(
                        key, lsn, new WalRecord.Postgres(false, Objects.requireNonNull(change.record(), "the commit")));
            case SlruUpdate.Offsets(SlruPage _, int firstMulti, int[] offsets) -> {
                // A key has one value at an LSN, and between the records' ends there is room for as many as these.
                for (int i = 0; i < offsets.length; i++) {
                    target.put(
                            key,
                            lsn.minus(offsets.length - 1L - i),
                            new WalRecord.MultixactOffsetCreate(firstMulti + i, offsets[i]));
                }
            }
            case SlruUpdate.Members(SlruPage _, int firstOffset, int[] xids, byte[] statuses) -> {
                List<WalRecord.MultixactMember> members = new ArrayList<>(xids.length);
                for (int i = 0; i < xids.length; i++) {
                    members.add(new WalRecord.MultixactMember(xids[i], statuses[i]));
                }
                target.put(key, lsn, new WalRecord.MultixactMembersCreate(firstOffset, members));
            }
        }
    }

    /** Makes sure that a segment has {@code pages} pages or more. */
    private void extend(SlruKind kind, int segment, int pages, Lsn lsn, boolean lastIsReplaced)
            throws StorageException {
        SortedMap<Integer, Integer> all = segments(kind);
        Integer length = all.get(segment);
        if (length != null && length >= pages) {
            return;
        }
        for (int block = length == null ? 0 : length; block < pages - 1; block++) {
            target.putImage(SlruKeys.block(kind, segment, block), lsn, ZEROS);
        }
        if (!lastIsReplaced) {
            target.putImage(SlruKeys.block(kind, segment, pages - 1), lsn.minus(RECORD_SPACE), ZEROS);
        }
        all.put(segment, pages);
        put(SlruKeys.segmentSize(kind, segment), lsn, Listings.length(pages));
        if (length == null) {
            putDirectory(kind, all, lsn);
        }
    }

    /** Less than the shortest record has bytes, and more than the values that one record gives to one key. */
    private static final int RECORD_SPACE = 16;

    private void putDirectory(SlruKind kind, SortedMap<Integer, Integer> all, Lsn lsn) throws StorageException {
        TreeSet<Integer> numbers = new TreeSet<>(Integer::compareUnsigned);
        numbers.addAll(all.keySet());
        put(SlruKeys.directory(kind), lsn, Listings.segments(numbers));
    }

    void remove(SlruTruncation truncation, Lsn lsn) throws StorageException {
        SlruKind kind = kindOf(truncation.kind());
        SortedMap<Integer, Integer> all = segments(kind);
        if (all.keySet().removeIf(truncation::deletes)) {
            putDirectory(kind, all, lsn);
        }
    }

    private void put(Key key, Lsn lsn, byte[] value) throws StorageException {
        target.put(key, lsn, new Value.Image(value));
    }
}
