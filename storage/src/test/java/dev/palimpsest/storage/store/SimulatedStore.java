package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.timeline.ArchivedTimeline;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/**
 * Random use of a store by many tasks, and the model it is held against. The model outlives the processes: it knows what every
 * timeline may have at every LSN, and of what the store has said that it is durable.
 */
final class SimulatedStore {
    static final Lsn START = new Lsn(0x1000);

    private final long seed;
    private final SplittableRandom random;
    private final boolean several;
    private boolean faults;
    private final TreeMap<TimelineId, Known> known = new TreeMap<>();
    private long timelineIds;
    private int reads;
    private int writes;
    private final SimulatedUpkeep upkeep;
    private final SimulatedEviction eviction;
    private final SimulatedDepartures departures;
    final SimulatedLeases leases;
    private int pieces;

    /**
     * @param faults whether operations may fail
     * @param several whether several processes use the store at once, each of which believes that it is the only one
     */
    SimulatedStore(long seed, SplittableRandom random, boolean faults, boolean several) {
        this.several = several;
        this.seed = seed;
        this.random = random;
        this.faults = faults;
        this.upkeep = new SimulatedUpkeep(random);
        this.eviction = new SimulatedEviction(seed, random);
        this.departures = new SimulatedDepartures(random, this::known, this::tolerate);
        this.leases = new SimulatedLeases(
                random,
                (environment, timeline, lsn) -> readAll(timeline, KeySpace.of(KeyRange.ALL), lsn, reading(environment)),
                this::tolerate);
    }

    /** What compaction and GC have done. */
    SimulatedUpkeep.Done upkeep() {
        return upkeep.done();
    }

    /** How many reads were compared with the model. */
    int reads() {
        return reads;
    }

    /** How many pieces of history were compacted in the background. */
    int backgroundPieces() {
        return pieces;
    }

    /** How many timelines were cut loose from their ancestors. */
    int detached() {
        return departures.detached();
    }

    /** How many timelines were archived. */
    int archived() {
        return departures.archived();
    }

    /** How many records were written, again after crashes. */
    int writes() {
        return writes;
    }

    /** How many layers left the local disk. */
    int evictions() {
        return eviction.evictions();
    }

    /** One life of a process: what was durable is there, and then it is used. */
    void live(
            Environment environment,
            SimulatedDisk disk,
            TenantTimelines store,
            Map<TimelineId, Lsn> acknowledged,
            int operations)
            throws Exception {
        checkNothingLost(store, acknowledged);
        eviction.checkResidency(store, disk);
        departures.unarchiveSome(store);
        if (known.isEmpty()) {
            create(store);
        }
        if (random.nextBoolean()) {
            use(environment, disk, store, operations, () -> true, List.of());
        } else {
            useWithBackground(environment, disk, store, operations);
        }
        if (random.nextBoolean()) {
            tolerate(() -> {
                for (Timeline timeline : store.all()) {
                    flush(timeline);
                }
            });
        }
        if (random.nextInt(4) == 0) {
            for (Timeline timeline : store.all()) {
                readEverything(environment, timeline);
            }
        }
        if (random.nextBoolean()) {
            store.shutdown(context());
        }
    }

    /** As a server does it: nothing is removed until whoever leased something from an earlier one has had time to ask again. */
    private void useWithBackground(Environment environment, SimulatedDisk disk, TenantTimelines store, int operations)
            throws Exception {
        Duration patience = Duration.ofMillis(random.nextInt(1, 3000));
        Duration left =
                Duration.between(environment.clock().now(), store.loadedAt().plus(patience));
        long until = environment.clock().nanos() + left.toNanos();
        List<Task> renewing = leases.renew(environment, store, leases.toRenew(store), until);
        SimulatedBackground background = new SimulatedBackground(environment, store, random, patience, this::tolerate);
        try (background) {
            use(environment, disk, store, operations, () -> environment.clock().nanos() >= until, renewing);
        } finally {
            pieces += background.pieces();
        }
        background.check();
    }

    private void use(
            Environment environment,
            SimulatedDisk disk,
            TenantTimelines store,
            int operations,
            BooleanSupplier maySomethingGo,
            List<Task> others)
            throws Exception {
        List<Task> tasks = new ArrayList<>(others);
        for (Timeline timeline : store.all()) {
            tasks.add(environment
                    .tasks()
                    .start("write " + timeline.id(), () -> write(environment, timeline, operations)));
        }
        for (int i = 0; i < 3; i++) {
            tasks.add(environment.tasks().start("read " + i, () -> readOften(environment, store, operations)));
        }
        tasks.add(environment.tasks().start("keep house", () -> keepHouse(environment, store, operations / 4)));
        tasks.add(environment
                .tasks()
                .start("compact", () -> compactOften(environment, store, operations, maySomethingGo)));
        tasks.add(environment.tasks().start("lease", () -> leases.leaseOften(environment, store, operations / 4)));
        tasks.add(environment.tasks().start("evict", () -> eviction.evictOften(environment, disk, store, operations)));
        tasks.add(environment.tasks().start("branch", () -> branchSometimes(environment, store, operations / 8)));
        tasks.add(environment
                .tasks()
                .start("detach", () -> departures.detachSometimes(environment, store, operations / 4)));
        joinAll(tasks);
        departures.archiveSome(environment, store);
    }

    private static void joinAll(List<Task> tasks) throws Exception {
        for (Task task : tasks) {
            task.join();
        }
        for (Task task : tasks) {
            rethrow(task);
        }
    }

    private static void rethrow(Task task) throws Exception {
        switch (task.failure().orElse(null)) {
            case null -> {}
            case Exception e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    private interface Step {
        void run() throws StorageException;
    }

    /** Where faults are injected, an operation may fail; what it must not do is lie. */
    private void tolerate(Step step) throws StorageException {
        try {
            step.run();
        } catch (StorageException e) {
            if (!faults) {
                throw e;
            }
        }
    }

    /** As {@link #tolerate(Step)}, of what was thrown already. */
    void tolerate(StorageException failure) throws StorageException {
        if (!faults) {
            throw failure;
        }
    }

    /** From now on nothing may fail. */
    void expectNoFaults() {
        faults = false;
    }

    private static RequestContext context() {
        return RequestContext.of(TaskKind.TOOL);
    }

    /** Of somebody who reads: one who waits for a page, or one who does not. */
    private RequestContext reading(Environment environment) {
        return RequestContext.of(random.nextBoolean() ? TaskKind.PAGE_SERVICE : TaskKind.TOOL)
                .withDeadline(environment.clock().nanos() + 10_000_000_000L);
    }

    private TimelineId newId() {
        return new TimelineId(seed, ++timelineIds);
    }

    private void create(TenantTimelines store) throws StorageException {
        TimelineId id = newId();
        Known timeline = new Known(id, History.root(random.nextLong(), START, 40), Lsn.INVALID);
        known.put(id, timeline);
        tolerate(() -> {
            store.create(id, START, 17, context());
            timeline.created = true;
        });
    }

    private Known known(TimelineId id) {
        return Objects.requireNonNull(known.get(id), () -> "timeline " + id + " came from nowhere");
    }

    /** Which timelines exist for good, and up to where they are durable: to be asked before a process loads them. */
    Map<TimelineId, Lsn> acknowledged() {
        Map<TimelineId, Lsn> now = new TreeMap<>();
        known.forEach((id, timeline) -> {
            if (timeline.created) {
                now.put(id, timeline.durable);
            }
        });
        return now;
    }

    /** Everything the store has acknowledged is there, and every key has the right value at every LSN. */
    void checkNothingLost(TenantTimelines store, Map<TimelineId, Lsn> acknowledged) throws StorageException {
        for (Known timeline : known.values()) {
            Lsn durable = acknowledged.getOrDefault(timeline.id, Lsn.INVALID);
            Optional<Timeline> found =
                    store.all().stream().filter(t -> t.id().equals(timeline.id)).findFirst();
            Optional<ArchivedTimeline> kept = store.archived().stream()
                    .filter(t -> t.id().equals(timeline.id))
                    .findFirst();
            if (kept.isPresent()) {
                timeline.created = true;
                assertThat(found).isEmpty();
                assertThat(kept.get().diskConsistentLsn())
                        .as("end of what is archived, of %s", timeline.id)
                        .isGreaterThanOrEqualTo(durable);
            } else if (acknowledged.containsKey(timeline.id)) {
                assertThat(found).as("timeline %s was created", timeline.id).isPresent();
            }
            if (found.isPresent()) {
                timeline.created = true;
                Lsn last = found.get().lastRecordLsn();
                assertThat(last)
                        .as("last record after restart, of %s", timeline.id)
                        .isGreaterThanOrEqualTo(durable);
                assertThat(found.get().diskConsistentLsn()).isEqualTo(last);
                assertThat(found.get().remoteConsistentLsn()).isEqualTo(last);
                assertThat(found.get().layers().historicLayers())
                        .as("layers after restart, of %s at %s", timeline.id, last)
                        .allMatch(layer -> !layer.lsnEnd().isAfter(last.plus(1)));
                timeline.durable = several ? Lsn.max(timeline.durable, last) : last;
            }
        }
        if (!several) {
            known.values().removeIf(timeline -> !timeline.created);
        }
    }

    /** Lets every timeline publish once more and delete what it does not need; to be called where nothing fails. */
    void settle(Environment environment, TenantTimelines store) throws StorageException {
        for (Timeline timeline : store.all()) {
            write(environment, timeline, 1);
            flush(timeline);
        }
        environment.tasks().sleep(60_000_000_000L, Cancellation.NEVER);
        store.tick(context());
        environment.tasks().sleep(60_000_000_000L, Cancellation.NEVER);
    }

    private void write(Environment environment, Timeline timeline, int records) throws StorageException {
        Known model = known(timeline.id());
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        for (int i = 0; i < records; i++) {
            int atOnce = random.nextInt(1, 4);
            try (TimelineWriter writer = timeline.writer(context())) {
                builder.clear();
                History.Entry last = model.history.after(timeline.lastRecordLsn());
                gather(last, builder, writer);
                for (int j = 1; j < atOnce; j++) {
                    last = model.history.after(last.lsn());
                    gather(last, builder, writer);
                }
                writer.put(builder.build());
                writer.finish(last.lsn(), last.previous());
                writes++;
            } catch (StorageException e) {
                if (!faults) {
                    throw e;
                }
                return; // it takes no more writes until the next life
            }
            if (random.nextInt(20) == 0) {
                tolerate(() -> flush(timeline));
            }
            if (random.nextInt(10) == 0) {
                environment.tasks().sleep(random.nextLong(1_000_000_000L), Cancellation.NEVER);
            }
            noteDurable(timeline);
        }
    }

    /** Adds a record's values to a batch; now and then the batch is put in the middle of them. */
    private void gather(History.Entry entry, SerializedBatch.Builder builder, TimelineWriter writer)
            throws StorageException {
        for (History.Change change : entry.changes()) {
            if (random.nextInt(8) == 0) {
                writer.put(builder.build());
                builder.clear();
            }
            builder.put(change.key(), entry.lsn(), change.value());
        }
    }

    private void flush(Timeline timeline) throws StorageException {
        Lsn durable = timeline.freezeAndFlush(context());
        Known model = known(timeline.id());
        model.durable = Lsn.max(model.durable, durable);
    }

    private void noteDurable(Timeline timeline) {
        Known model = known(timeline.id());
        Lsn durable = timeline.remoteConsistentLsn();
        assertThat(durable).isLessThanOrEqualTo(timeline.diskConsistentLsn());
        assertThat(timeline.diskConsistentLsn()).isLessThanOrEqualTo(timeline.lastRecordLsn());
        model.durable = Lsn.max(model.durable, durable);
    }

    private void readOften(Environment environment, TenantTimelines store, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            List<Timeline> all = store.all();
            if (!all.isEmpty()) {
                Timeline timeline = all.get(random.nextInt(all.size()));
                read(environment, timeline);
            }
            environment.tasks().sleep(random.nextLong(50_000_000L), Cancellation.NEVER);
        }
    }

    private void compactOften(Environment environment, TenantTimelines store, int count, BooleanSupplier maySomethingGo)
            throws Exception {
        for (int i = 0; i < count; i++) {
            environment.tasks().sleep(random.nextLong(200_000_000L), Cancellation.NEVER);
            List<Timeline> all = store.all();
            if (all.isEmpty()) {
                continue;
            }
            Timeline timeline = all.get(random.nextInt(all.size()));
            RequestContext context = RequestContext.of(TaskKind.COMPACTION)
                    .withDeadline(environment.clock().nanos() + 100_000_000_000L);
            try {
                upkeep.step(
                        environment,
                        store,
                        timeline,
                        known(timeline.id()).history,
                        maySomethingGo,
                        () -> write(environment, timeline, 3),
                        context);
            } catch (DeadlineExceededException e) {
                if (timeline.branchPoint() == null) {
                    throw e; // images of a branch may need what its ancestor has lost and not yet taken in again
                }
            } catch (StorageException e) {
                tolerate(e);
            }
            assertThat(timeline.layers().check())
                    .as("layers of %s", timeline.id())
                    .isEmpty();
        }
    }

    /** Every key at the ends of what is retained, at some LSNs between, and where branches begin. */
    private void readEverything(Environment environment, Timeline timeline) throws StorageException {
        Lsn last = timeline.lastRecordLsn();
        Lsn first = timeline.gcCutoffLsn();
        if (last.isBefore(first)) {
            return;
        }
        List<Lsn> lsns = new ArrayList<>(List.of(first, last));
        for (int i = 0; i < 3; i++) {
            lsns.add(first.plus(random.nextLong(last.bytesSince(first) + 1)));
        }
        RequestContext context = reading(environment);
        KeySpace keys = KeySpace.of(KeyRange.ALL);
        for (Lsn lsn : lsns) {
            try {
                readAll(timeline, keys, lsn, context);
            } catch (DeadlineExceededException e) {
                if (timeline.branchPoint() == null) {
                    throw e;
                }
            } catch (StorageException e) {
                if (!faults) {
                    throw e;
                }
            }
        }
    }

    private void read(Environment environment, Timeline timeline) throws StorageException {
        Lsn last = timeline.lastRecordLsn();
        if (last.isBefore(timeline.gcCutoffLsn())) {
            return;
        }
        long first = timeline.gcCutoffLsn().value();
        // Where GC may raise the cutoff at any moment, most is at stake.
        Lsn lsn = new Lsn(random.nextInt(3) == 0 ? first : first + random.nextLong(last.value() - first + 1));
        RequestContext context = reading(environment);
        try {
            if (random.nextBoolean()) {
                readOne(
                        timeline,
                        History.key(random.nextInt(known(timeline.id()).history.keyCount())),
                        lsn,
                        context);
            } else {
                readMany(timeline, lsn, context);
            }
        } catch (DeadlineExceededException e) {
            if (timeline.branchPoint() == null) {
                throw e; // a branch may wait for what its ancestor has lost and not yet taken in again
            }
        } catch (CancelledException | MissingKeyException e) {
            throw e; // whatever fails, what is there is not said to be missing
        } catch (StorageException e) {
            if (!faults && !lsn.isBefore(timeline.gcCutoffLsn())) {
                throw e;
            }
        }
    }

    private void readOne(Timeline timeline, Key key, Lsn lsn, RequestContext context) throws StorageException {
        Optional<byte[]> expected = known(timeline.id()).history.expected(key, lsn);
        try {
            byte[] value = timeline.get(key, lsn, context);
            check(timeline, key, lsn, expected, value);
        } catch (MissingKeyException e) {
            if (expected.isPresent()) {
                throw e;
            }
        }
        reads++;
    }

    private void readMany(Timeline timeline, Lsn lsn, RequestContext context) throws StorageException {
        History history = known(timeline.id()).history;
        List<KeyRange> ranges = new ArrayList<>();
        for (int i = random.nextInt(1, 6); i > 0; i--) {
            Key from = History.key(random.nextInt(history.keyCount()));
            Key to = History.key(random.nextInt(history.keyCount()));
            ranges.add(from.compareTo(to) < 0 ? new KeyRange(from, to) : KeyRange.single(from));
        }
        readAll(timeline, KeySpace.ofUnordered(ranges), lsn, context);
    }

    private void readAll(Timeline timeline, KeySpace keys, Lsn lsn, RequestContext context) throws StorageException {
        History history = known(timeline.id()).history;
        SortedMap<Key, KeyResult> found = timeline.scan(keys, lsn, context);
        for (int i = 0; i < history.keyCount(); i++) {
            Key key = History.key(i);
            if (keys.contains(key)) {
                Optional<byte[]> expected = history.expected(key, lsn);
                switch (found.get(key)) {
                    case null ->
                        assertThat(expected)
                                .as("key %s at %s of %s", key, lsn, timeline.id())
                                .isEmpty();
                    case KeyResult.Found(byte[] value) -> check(timeline, key, lsn, expected, value);
                    case KeyResult.Failed(StorageException reason) -> throw reason;
                }
                reads++;
            } else {
                assertThat(found).doesNotContainKey(key);
            }
        }
    }

    private void check(Timeline timeline, Key key, Lsn lsn, Optional<byte[]> expected, byte[] value) {
        if (expected.isEmpty() || !Arrays.equals(expected.get(), value)) {
            fail(
                    "seed %d: key %s at %s of timeline %s has %d bytes that are not the %s expected",
                    seed,
                    key,
                    lsn,
                    timeline.id(),
                    value.length,
                    expected.map(bytes -> bytes.length + " bytes").orElse("nothing"));
        }
    }

    private void keepHouse(Environment environment, TenantTimelines store, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            environment.tasks().sleep(random.nextLong(2_000_000_000L), Cancellation.NEVER);
            tolerate(() -> store.tick(context()));
        }
    }

    private void branchSometimes(Environment environment, TenantTimelines store, int count) throws Exception {
        for (int i = 0; i < count && known.size() < 6; i++) {
            environment.tasks().sleep(random.nextLong(1_000_000_000L), Cancellation.NEVER);
            List<Timeline> all = store.all();
            if (all.isEmpty()) {
                continue;
            }
            Timeline ancestor = all.get(random.nextInt(all.size()));
            Known model = known(ancestor.id());
            Timeline.BranchPoint own = ancestor.branchPoint();
            Lsn cutoff = ancestor.gcCutoffLsn();
            // Now and then below what GC has left: then it must be refused.
            Lsn oldest = random.nextInt(4) == 0 ? START : cutoff;
            long first = (Lsn.max(own == null ? Lsn.INVALID : own.lsn(), oldest).value() + 7) & -8L;
            if (ancestor.lastRecordLsn().value() < first) {
                continue;
            }
            Lsn at = new Lsn(
                    first + 8 * random.nextLong((ancestor.lastRecordLsn().value() - first) / 8 + 1));
            TimelineId id = newId();
            Known branch = new Known(id, model.history.branch(random.nextLong(), at), at);
            known.put(id, branch);
            tolerate(() -> {
                Timeline timeline;
                try {
                    timeline = store.branch(id, ancestor.id(), at, context());
                } catch (InvalidRequestException e) {
                    if (at.isBefore(ancestor.gcCutoffLsn())) {
                        known.remove(id); // GC was there first
                        return;
                    }
                    throw e;
                }
                branch.created = true;
                write(environment, timeline, 3);
            });
        }
    }
}
