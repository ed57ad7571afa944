package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.Listings;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.rmgr.Completion;
import dev.palimpsest.postgres.rmgr.DatabaseRecord;
import dev.palimpsest.postgres.rmgr.RelMapRecord;
import dev.palimpsest.postgres.rmgr.ReplicationOriginRecord;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.postgres.rmgr.TablespaceRecord;
import dev.palimpsest.postgres.rmgr.XlogRecord;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.ClusterKeys;
import dev.palimpsest.storage.key.ControlKeys;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.ReplicationOriginKeys;
import dev.palimpsest.storage.key.TwoPhaseKeys;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Applies what WAL changes to a timeline, in the order of the WAL: the values of blocks as they come, and the listings by
 * reading and writing them. The timeline's only writer; what it has read or written it keeps, within limits.
 *
 * <p>Every change may come again that was applied before, as after a base backup or a crash: creating what exists and
 * dropping what does not are no errors. Used by one thread. After an exception it is of no use: what it keeps may be ahead
 * of the timeline.
 */
public final class ClusterWriter {
    private static final int PAGE = 8192;
    private static final int FORKS = 4;
    private static final int COPIED_AT_ONCE = 256;

    private final Timeline timeline;
    private final PostgresVersion version;
    private final RequestContext context;
    private final SerializedBatch.Builder metadata = new SerializedBatch.Builder();
    private final ForkDirectory forks;
    private final SlruWriter slrus;
    private @Nullable SortedSet<Long> prepared;
    private @Nullable SortedMap<Integer, String> tablespaces;
    private @Nullable SortedMap<String, byte[]> files;
    private @Nullable ControlFile controlFile;

    /**
     * @param lengths what readers of the timeline know of its relations; told of every change
     * @param context of the task that applies, for reading and waiting
     */
    public ClusterWriter(Timeline timeline, RelationLengths lengths, RequestContext context) {
        this.timeline = timeline;
        this.version = PostgresVersion.ofMajor(timeline.pgVersion());
        this.context = context;
        this.forks = new ForkDirectory(this::reader, metadata, lengths);
        this.slrus = new SlruWriter(this::reader, metadata);
    }

    /** Reads what was finished. */
    private ClusterReader reader() {
        return new ClusterReader(timeline, timeline.lastRecordLsn(), context);
    }

    /**
     * Applies a batch: on return {@code last_record_lsn} is its end. Nothing is durable on return.
     *
     * @throws StorageException if it cannot be applied; nothing of it can be read
     */
    public void apply(InterpretedBatch batch) throws StorageException {
        if (batch.isEmpty()) {
            return;
        }
        metadata.clear();
        try (TimelineWriter writer = timeline.writer(context)) {
            for (Change change : batch.changes()) {
                apply(change, writer);
            }
            forks.writeListings();
            writer.put(metadata.build());
            writer.put(batch.values().build());
            Lsn previous = batch.previousEnd();
            if (previous.isValid()) {
                writer.finish(batch.end(), previous);
            } else {
                writer.finish(batch.end());
            }
        }
        forks.forgetSome();
    }

    private void apply(Change change, TimelineWriter writer) throws StorageException {
        Lsn lsn = new Lsn(change.lsn());
        switch (change) {
            case Change.Extend(long _, RelTag fork, int blocks, boolean blankLast) ->
                forks.extend(fork, blocks, blankLast, lsn);
            case Change.ClearVisibility clear -> clearVisibility(clear, lsn);
            case Change.Slru slru -> slrus.update(slru, lsn);
            case Change.SlruGone gone -> slrus.remove(gone.truncation(), lsn);
            case Change.Completed(long _, long xid, Completion completion) -> complete(xid, completion, lsn);
            case Change.Prepared(long _, long xid, byte[] state) -> prepare(xid, state, lsn);
            case Change.Storage(long _, StorageRecord record) -> storage(record, lsn);
            case Change.RelationMap(long _, RelMapRecord record) -> relationMap(record, lsn);
            case Change.Database(long _, DatabaseRecord record) -> database(record, lsn, writer);
            case Change.Tablespace(long _, TablespaceRecord record) -> tablespace(record, lsn);
            case Change.Origin(long _, ReplicationOriginRecord record) -> origin(record, lsn);
            case Change.Counters(long _, CheckPoint counters) -> counters(counters, lsn);
            case Change.Settings settings -> settings(settings.settings(), lsn);
            case Change.File(long _, String path, byte[] content) -> file(path, content, lsn);
        }
    }

    private void put(Key key, Lsn lsn, byte[] value) throws StorageException {
        metadata.put(key, lsn, new Value.Image(value));
    }

    private void clearVisibility(Change.ClearVisibility clear, Lsn lsn) throws StorageException {
        RelFileNode heap = clear.relation();
        RelTag map = new RelTag(heap.spcNode(), heap.dbNode(), heap.relNode(), RelTag.VISIBILITY_MAP);
        int heapBlock = clear.newBlock().orElseGet(clear.oldBlock()::getAsInt);
        int page = Integer.divideUnsigned(heapBlock, Truncation.HEAP_BLOCKS_PER_MAP_PAGE);
        OptionalInt length = forks.length(map);
        // A page that does not exist has no bit set.
        if (length.isPresent() && Integer.compareUnsigned(page, length.getAsInt()) < 0) {
            metadata.put(
                    map.blockKey(page),
                    lsn,
                    new WalRecord.ClearVisibilityMapFlags(clear.newBlock(), clear.oldBlock(), clear.bits()));
        }
    }

    private void complete(long xid, Completion completion, Lsn lsn) throws StorageException {
        for (RelFileNode relation : completion.dropped()) {
            for (int fork = 0; fork < FORKS; fork++) {
                forks.drop(new RelTag(relation.spcNode(), relation.dbNode(), relation.relNode(), fork), lsn);
            }
        }
        if (completion.kind().isPrepared()) {
            SortedSet<Long> now = prepared();
            if (now.remove(xid)) {
                putPrepared(now, lsn);
            }
        }
        if (completion.hasOrigin()) {
            putOrigin(completion.origin(), completion.originLsn(), lsn);
        }
    }

    private SortedSet<Long> prepared() throws StorageException {
        SortedSet<Long> now = prepared;
        if (now == null) {
            now = new TreeSet<>(reader().prepared());
            prepared = now;
        }
        return now;
    }

    private void putPrepared(SortedSet<Long> now, Lsn lsn) throws StorageException {
        put(TwoPhaseKeys.DIRECTORY, lsn, Listings.prepared(now, version.isAtLeast(PostgresVersion.V17)));
    }

    private void prepare(long xid, byte[] state, Lsn lsn) throws StorageException {
        SortedSet<Long> now = prepared();
        put(TwoPhaseKeys.stateFile(xid), lsn, state);
        if (now.add(xid)) {
            putPrepared(now, lsn);
        }
    }

    private void putOrigin(int origin, Lsn reached, Lsn lsn) throws StorageException {
        put(
                ReplicationOriginKeys.origin(origin),
                lsn,
                ByteBuffer.allocate(Long.BYTES).putLong(reached.value()).array());
    }

    private void origin(ReplicationOriginRecord record, Lsn lsn) throws StorageException {
        switch (record) {
            case ReplicationOriginRecord.Set set -> putOrigin(set.origin(), set.remote(), lsn);
            case ReplicationOriginRecord.Drop drop -> putOrigin(drop.origin(), Lsn.INVALID, lsn);
        }
    }

    private void storage(StorageRecord record, Lsn lsn) throws StorageException {
        switch (record) {
            case StorageRecord.Create(RelFileNode relation, var fork) ->
                forks.create(new RelTag(relation.spcNode(), relation.dbNode(), relation.relNode(), fork.number()), lsn);
            case StorageRecord.Truncate truncate -> Truncation.apply(truncate, forks, metadata, lsn);
        }
    }

    private void relationMap(RelMapRecord record, Lsn lsn) throws StorageException {
        forks.addDatabase(new DatabaseId(record.tablespace(), record.database()), true, lsn);
        put(RelationKeys.relationMap(record.tablespace(), record.database()), lsn, record.map());
    }

    private void database(DatabaseRecord record, Lsn lsn, TimelineWriter writer) throws StorageException {
        switch (record) {
            case DatabaseRecord.CreateFileCopy copy ->
                copyDatabase(
                        new DatabaseId(copy.sourceTablespace(), copy.sourceDatabase()),
                        new DatabaseId(copy.tablespace(), copy.database()),
                        lsn,
                        writer);
            case DatabaseRecord.CreateWalLog create ->
                forks.addDatabase(new DatabaseId(create.tablespace(), create.database()), false, lsn);
            case DatabaseRecord.Drop drop -> {
                for (int tablespace : drop.tablespaces()) {
                    forks.dropDatabase(new DatabaseId(tablespace, drop.database()), lsn);
                }
            }
        }
    }

    /** Everything before this record is finished, so what is read is the source as the record found it. */
    private void copyDatabase(DatabaseId from, DatabaseId to, Lsn lsn, TimelineWriter writer) throws StorageException {
        ClusterReader source = reader();
        Boolean hasMap = source.databases().get(from);
        forks.dropDatabase(to, lsn);
        forks.addDatabase(to, Boolean.TRUE.equals(hasMap), lsn);
        if (Boolean.TRUE.equals(hasMap)) {
            put(RelationKeys.relationMap(to.spcNode(), to.dbNode()), lsn, source.relationMap(from));
        }
        if (hasMap == null) {
            return;
        }
        SerializedBatch.Builder pages = new SerializedBatch.Builder();
        byte[] buffer = new byte[COPIED_AT_ONCE * PAGE];
        for (Map.Entry<RelTag, Integer> relation : source.relations(from).entrySet()) {
            RelTag old = relation.getKey();
            RelTag copy = new RelTag(to.spcNode(), to.dbNode(), old.relNode(), old.forkNumber());
            forks.create(copy, lsn);
            int length = relation.getValue();
            int done = 0;
            while (done != length) {
                int count =
                        (int) Math.min(COPIED_AT_ONCE, Integer.toUnsignedLong(length) - Integer.toUnsignedLong(done));
                source.blocks(old, done, count, buffer, 0);
                pages.clear();
                for (int i = 0; i < count; i++) {
                    pages.putImage(copy.blockKey(done + i), lsn, ByteBuffer.wrap(buffer, i * PAGE, PAGE));
                }
                writer.put(pages.build());
                done += count;
            }
            forks.setLength(copy, length, lsn);
        }
    }

    private void tablespace(TablespaceRecord record, Lsn lsn) throws StorageException {
        SortedMap<Integer, String> now = tablespaces;
        if (now == null) {
            now = reader().tablespaces();
            tablespaces = now;
        }
        switch (record) {
            case TablespaceRecord.Create(int oid, String path) -> now.put(oid, path);
            case TablespaceRecord.Drop(int oid) -> now.remove(oid);
        }
        put(ClusterKeys.TABLESPACES, lsn, Listings.tablespaces(now));
    }

    private void settings(XlogRecord.ParameterChange change, Lsn lsn) throws StorageException {
        ControlFile file = controlFile;
        try {
            if (file == null) {
                file = ControlFile.parse(reader().controlFile());
            }
        } catch (MalformedFileException e) {
            throw new CorruptionException("the control file on timeline " + timeline.id(), 0, e.getMessage(), e);
        }
        file = file.withSettings(
                change.maxConnections(),
                change.maxWorkerProcesses(),
                change.maxWalSenders(),
                change.maxPreparedTransactions(),
                change.maxLocksPerTransaction(),
                change.walLevel(),
                change.walLogHints(),
                change.trackCommitTimestamp());
        controlFile = file;
        put(ControlKeys.CONTROL_FILE, lsn, file.encode());
    }

    private void file(String path, byte[] content, Lsn lsn) throws StorageException {
        SortedMap<String, byte[]> now = files;
        if (now == null) {
            now = reader().files();
            files = now;
        }
        now.put(path, content);
        put(ClusterKeys.FILES, lsn, Listings.files(now));
    }

    private void counters(CheckPoint counters, Lsn lsn) throws StorageException {
        byte[] bytes = new byte[CheckPoint.SIZE];
        counters.encode(bytes, 0);
        put(ControlKeys.CHECKPOINT, lsn, bytes);
    }
}
