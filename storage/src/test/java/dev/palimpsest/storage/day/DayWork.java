package dev.palimpsest.storage.day;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.BackgroundHistory;
import dev.palimpsest.storage.compaction.HistoryReport;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.BackgroundGc;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.timeline.Hold;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is done all day, some hundred times in each PITR interval: updates of a table, seven of ten on a tenth of its pages; inserts into the newest of
 * some tables, of which there is a new one in each PITR interval and the oldest is dropped; a page that changes every time; on
 * branches, of which there are always some that come and go, a few updates; LSNs that are held and let go; and reads of the
 * latest and of older pages, each compared with what it must be.
 */
final class DayWork {
    private static final Lsn START = new Lsn(0x1000000);
    private static final int TABLE = 16384;
    private static final int FIRST_OF_MANY = 20000;
    /** Of the table, for each step of an interval: so that in an interval each page is changed some times. */
    private static final int BLOCKS_PER_STEP = 2;

    private static final int UPDATES = 18;
    private static final int BRANCH_UPDATES = 4;
    private static final int BRANCHES = 4;
    private static final int READS = 3;
    private static final int RECORD_BYTES = 64;

    private final Environment environment;
    private final TenantTimelines tenant;
    private final SplittableRandom random;
    private final Map<TimelineId, DayModel> models;
    private final SimulatedDay.Parameters parameters;
    private final long pitrNanos;
    private final int steps;
    private final int tableBlocks;
    private final long startNanos;
    private final DayModel main;
    private @Nullable Hold held;
    private long heldUntilNanos;
    private int newestTable = TABLE;
    private long idsGiven;
    private long records;
    private long reads;
    private int branches;
    private int deleted;
    private int layersRemoved;

    /** @param models of all timelines, by id; what the keys of a timeline are is found there */
    DayWork(
            SimulatedDay.Parameters parameters,
            Environment environment,
            TenantTimelines tenant,
            SplittableRandom random,
            Map<TimelineId, DayModel> models)
            throws StorageException {
        this.environment = environment;
        this.tenant = tenant;
        this.random = random;
        this.models = models;
        this.parameters = parameters;
        this.pitrNanos = parameters.pitr().toNanos();
        this.steps = parameters.stepsPerInterval();
        this.tableBlocks = BLOCKS_PER_STEP * steps;
        this.startNanos = environment.clock().nanos();
        this.main = new DayModel(newId(), null, Lsn.INVALID, startNanos);
        models.put(main.id, main);
        load(tenant.create(main.id, START, 17, context()));
    }

    private TimelineId newId() {
        return new TimelineId(24, ++idsGiven);
    }

    private static RequestContext context() {
        return RequestContext.of(TaskKind.PAGE_SERVICE);
    }

    /** The table as it is at first, and the page that always changes. */
    private void load(Timeline timeline) throws StorageException {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        Lsn lsn = START;
        for (int block = 0; block < tableBlocks; block++) {
            lsn = lsn.plus(RECORD_BYTES);
            insert(batch, TABLE, block, lsn);
        }
        lsn = lsn.plus(RECORD_BYTES);
        initialize(batch, DayModel.LOG, lsn);
        write(timeline, batch, lsn);
        main.written(startNanos, lsn);
    }

    /** Goes on until so long after the start. */
    void until(Duration at) throws Exception {
        long end = startNanos + at.toNanos();
        while (environment.clock().nanos() < end) {
            for (DayModel model : List.copyOf(models.values())) {
                update(model);
            }
            if (models.size() <= BRANCHES && isTime(8)) {
                branch();
            }
            if (isTime(8)) {
                deleteOne();
                holdOrLetGo();
                models.values().forEach(model -> model.forgetBefore(ago(4)));
            }
            for (int i = 0; i < READS; i++) {
                read();
            }
            environment.tasks().sleep(pitrNanos / steps, Cancellation.NEVER);
        }
    }

    /** Once in that part of a PITR interval, on average. */
    private boolean isTime(int timesInPitr) {
        return random.nextDouble() < (double) timesInPitr / steps;
    }

    private long ago(int pitrIntervals) {
        return environment.clock().nanos() - pitrIntervals * pitrNanos;
    }

    private Timeline timeline(DayModel model) throws StorageException {
        return tenant.timeline(model.id);
    }

    private void update(DayModel model) throws StorageException {
        Timeline timeline = timeline(model);
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        Lsn lsn = timeline.lastRecordLsn();
        boolean isMain = model.ancestor == null;
        if (isMain) {
            int table = FIRST_OF_MANY + (int) ((environment.clock().nanos() - startNanos) / pitrNanos);
            lsn = lsn.plus(RECORD_BYTES);
            main.drop(table - 3, lsn);
            newestTable = table;
            insert(batch, table, main.blocks(table, lsn), lsn);
        }
        for (int i = isMain ? UPDATES : BRANCH_UPDATES; i >= 0; i--) {
            lsn = lsn.plus(RECORD_BYTES);
            int hot = tableBlocks / 10;
            int block = random.nextInt(random.nextInt(10) < 7 ? hot : tableBlocks);
            change(batch, model, i == 0 ? DayModel.LOG : DayModel.key(TABLE, block), lsn);
        }
        write(timeline, batch, lsn);
        model.written(environment.clock().nanos(), lsn);
    }

    private void insert(SerializedBatch.Builder batch, int table, int block, Lsn lsn) throws StorageException {
        main.extend(table, lsn);
        initialize(batch, DayModel.key(table, block), lsn);
    }

    private void initialize(SerializedBatch.Builder batch, Key key, Lsn lsn) throws StorageException {
        long[] slots = random.longs(SlotRedo.SLOTS).toArray();
        main.put(key, lsn, slots);
        batch.put(key, lsn, SlotRedo.page(slots));
        records++;
    }

    private void change(SerializedBatch.Builder batch, DayModel model, Key key, Lsn lsn) throws StorageException {
        long[] slots = model.page(key, lsn).orElseThrow().clone();
        int slot = random.nextInt(SlotRedo.SLOTS);
        slots[slot] = random.nextLong();
        model.put(key, lsn, slots);
        batch.put(key, lsn, SlotRedo.change(slot, slots[slot]));
        records++;
    }

    private static void write(Timeline timeline, SerializedBatch.Builder batch, Lsn end) throws StorageException {
        try (TimelineWriter writer = timeline.writer(RequestContext.of(TaskKind.INGEST))) {
            writer.put(batch.build());
            writer.finish(end, end.minus(RECORD_BYTES));
        }
    }

    /** The oldest LSN that the PITR interval keeps readable on a timeline. */
    private Lsn oldest(DayModel model) {
        return model.endAt(Math.max(ago(1), startNanos)).orElse(model.branchedAt);
    }

    private Lsn anyReadable(DayModel model, Timeline timeline) {
        Lsn first = Lsn.max(oldest(model), timeline.gcCutoffLsn());
        Lsn last = timeline.lastRecordLsn();
        return first.plus(last.isBefore(first) ? 0 : random.nextLong(last.bytesSince(first) / 8 + 1) * 8);
    }

    private void branch() throws StorageException {
        List<DayModel> parents = models.values().stream()
                .filter(model ->
                        model.ancestor == null || (model.ancestor == main && model.bornNanos > ago(1) + pitrNanos / 2))
                .toList();
        DayModel parent = parents.get(random.nextInt(parents.size()));
        Lsn at = Lsn.max(anyReadable(parent, timeline(parent)), parent.branchedAt);
        DayModel branch = new DayModel(newId(), parent, at, environment.clock().nanos());
        models.put(branch.id, branch);
        try {
            tenant.branch(branch.id, parent.id, at, context());
            branches++;
        } catch (InvalidRequestException e) {
            models.remove(branch.id);
            if (!at.isBefore(timeline(parent).gcCutoffLsn())) {
                throw e;
            }
        }
    }

    /** The oldest branch goes that has none itself, if it is old enough. */
    private void deleteOne() throws StorageException {
        Optional<DayModel> oldest = models.values().stream()
                .filter(model -> model.ancestor != null && model.bornNanos < ago(1))
                .filter(model -> models.values().stream().noneMatch(other -> other.ancestor == model))
                .min((a, b) -> Long.compare(a.bornNanos, b.bornNanos));
        if (oldest.isPresent()) {
            models.remove(oldest.get().id);
            tenant.delete(oldest.get().id, RequestContext.of(TaskKind.LIFECYCLE));
            deleted++;
        }
    }

    private void holdOrLetGo() throws StorageException {
        Hold now = held;
        if (now == null) {
            Timeline timeline = timeline(main);
            held = timeline.hold(Lsn.max(timeline.gcCutoffLsn(), oldest(main)));
            heldUntilNanos = environment.clock().nanos() + random.nextLong(2 * pitrNanos);
        } else if (environment.clock().nanos() > heldUntilNanos) {
            now.close();
            held = null;
        }
    }

    private void read() throws StorageException {
        List<DayModel> all = List.copyOf(models.values());
        DayModel model = all.get(random.nextInt(all.size()));
        Timeline timeline = timeline(model);
        Hold now = held;
        Lsn lsn = switch (random.nextInt(4)) {
            case 0 -> anyReadable(model, timeline);
            case 1 -> model == main && now != null ? now.lsn() : timeline.lastRecordLsn();
            default -> timeline.lastRecordLsn();
        };
        int table = random.nextInt(4) == 0 ? newestTable : TABLE;
        int blocks = model.blocks(table, lsn);
        Key key = blocks == 0 ? DayModel.LOG : DayModel.key(table, random.nextInt(blocks));
        byte[] expected = SlotRedo.bytes(model.page(key, lsn).orElseThrow());
        try {
            if (!Arrays.equals(expected, timeline.get(key, lsn, context()))) {
                throw new AssertionError(
                        "key " + key + " at " + lsn + " of timeline " + model.id + " is not as it was");
            }
            reads++;
        } catch (InvalidRequestException e) {
            if (!lsn.isBefore(timeline.gcCutoffLsn())) {
                throw e;
            }
        }
    }

    /** For GC: the timelines of now. */
    List<BackgroundGc.Work> collections() {
        List<BackgroundGc.Work> all = new ArrayList<>();
        models.values().forEach(model -> all.add(new Collected(model)));
        return all;
    }

    private final class Collected implements BackgroundGc.Work {
        private final DayModel model;

        Collected(DayModel model) {
            this.model = model;
        }

        @Override
        public TimelineId id() {
            return model.id;
        }

        @Override
        public TenantId tenant() {
            return tenant.tenant();
        }

        @Override
        public boolean isNew() {
            return false;
        }

        @Override
        public Duration period() {
            return parameters.pitr().dividedBy(6);
        }

        @Override
        public GcReport collect(RequestContext context) throws StorageException {
            Lsn last = timeline(model).lastRecordLsn();
            GcReport report = tenant.collectGarbage(
                    model.id,
                    new GcInputs(last, model.endAt(ago(1)).orElse(null), List.of(), List.of()),
                    GarbageCollection.Mode.REMOVE,
                    context);
            layersRemoved += report.layersRemoved();
            return report;
        }
    }

    /** For compaction of history: the timelines of now. */
    List<BackgroundHistory.Work> histories() {
        List<BackgroundHistory.Work> all = new ArrayList<>();
        tenant.all().forEach(timeline -> all.add(new Compacted(timeline)));
        return all;
    }

    private final class Compacted implements BackgroundHistory.Work {
        private final Timeline timeline;

        Compacted(Timeline timeline) {
            this.timeline = timeline;
        }

        @Override
        public TimelineId id() {
            return timeline.id();
        }

        @Override
        public TenantId tenant() {
            return tenant.tenant();
        }

        @Override
        public HistorySettings settings() {
            return parameters.history();
        }

        @Override
        public Lsn cutoff() {
            return timeline.upkeep().historyCutoff();
        }

        @Override
        public boolean isDue(HistorySettings settings) {
            return timeline.upkeep().isHistoryDue(settings);
        }

        @Override
        public HistoryReport compact(
                HistorySettings settings, BooleanSupplier yield, Consumer<HistoryReport> done, RequestContext context)
                throws StorageException {
            HistoryReport report =
                    timeline.upkeep().compactHistory(tenant, parameters.compaction(), settings, yield, done, context);
            layersRemoved += report.layersRemoved();
            return report;
        }
    }

    /** The models of all timelines. */
    List<DayModel> models() {
        return List.copyOf(models.values());
    }

    /** How long it goes on. */
    Duration elapsed() {
        return Duration.ofNanos(environment.clock().nanos() - startNanos);
    }

    /** Bytes of WAL. */
    long walBytes() {
        return records * RECORD_BYTES;
    }

    SimulatedDay.Done done(int downloads) {
        return new SimulatedDay.Done(records, reads, branches, deleted, layersRemoved, downloads);
    }

    /** What is done to a timeline may be cut short when it is deleted. */
    static void unlessGone(TenantTimelines tenant, Timeline timeline, Step step) throws StorageException {
        try {
            step.run();
        } catch (CancelledException e) {
            if (tenant.all().contains(timeline)) {
                throw e;
            }
        }
    }

    /** Something that a deletion may cut short. */
    interface Step {
        void run() throws StorageException;
    }
}
