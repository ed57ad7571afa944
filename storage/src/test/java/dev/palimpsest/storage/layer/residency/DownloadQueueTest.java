package dev.palimpsest.storage.layer.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.Simulation;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** In which order layers of several tenants are downloaded. */
class DownloadQueueTest {
    private static final long MILLI = 1_000_000;
    private static final long SIZE = 1000;

    /** A download that takes as long as it is told to. */
    private static final class Pretended implements DownloadQueue.Job {
        final PersistentLayers owner;
        final int tenant;
        final int number;
        private final World world;
        boolean urgent;
        boolean cancelled;
        boolean dropped;
        boolean ends;

        Pretended(World world, int tenant, int number, boolean urgent) {
            this.world = world;
            this.owner = world.owners.get(tenant);
            this.tenant = tenant;
            this.number = number;
            this.urgent = urgent;
        }

        @Override
        public RemoteLayer layer() {
            String name = "%036X-%036X__%016X-%016X".formatted(0, 1, number + 1, number + 2);
            return new RemoteLayer(LayerFileName.parse(name), ShardIndex.UNSHARDED, SIZE);
        }

        @Override
        public PersistentLayers owner() {
            return owner;
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public boolean run(LongConsumer progress) {
            world.begun.add(this);
            world.ending.await(() -> ends, Clock.NEVER);
            return true;
        }

        void end() {
            ends = true;
            world.ending.signalAll();
        }

        @Override
        public void dropped() {
            dropped = true;
        }

        @Override
        public String toString() {
            return number + " of tenant " + tenant + (urgent ? ", urgent" : "");
        }
    }

    /** A queue, and tenants that have layers in it. */
    private static final class World {
        final Environment environment;
        final DownloadQueue queue;
        final List<PersistentLayers> owners = new ArrayList<>();
        final List<Pretended> begun = new ArrayList<>();
        final Signal ending;
        private int number;

        World(Simulation simulation, int tenants, DownloadSettings settings) throws Exception {
            environment = simulation.environment();
            ending = environment.tasks().newSignal();
            queue = new DownloadQueue(environment, settings, new PrometheusRegistry());
            Disk disk = simulation.newDisk("disk", DiskFaults.NONE);
            for (int i = 0; i < tenants; i++) {
                owners.add(new PersistentLayers(
                        Layers.io(disk, environment.tasks(), 32 << 10),
                        environment.clock(),
                        new TenantId(1, i),
                        Layers.DIRECTORY,
                        (layer, target, progress, context) -> {
                            throw new AssertionError("what is downloaded here is pretended");
                        },
                        queue));
            }
        }

        Pretended ask(int tenant, boolean urgent) {
            Pretended job = new Pretended(this, tenant, number++, urgent);
            queue.enqueue(job, urgent ? TaskKind.PAGE_SERVICE : TaskKind.COMPACTION);
            return job;
        }

        void settle() {
            environment.tasks().sleep(MILLI, Cancellation.NEVER);
        }

        /** Lets the one end that began first of those that run, and others begin. */
        void endOne() {
            begun.stream().filter(job -> !job.ends).findFirst().orElseThrow().end();
            settle();
        }

        void endAll() throws Exception {
            while (begun.stream().anyMatch(job -> !job.ends)) {
                endOne();
            }
            assertThat(queue.downloads()).isEmpty();
            queue.close(RequestContext.of(TaskKind.LIFECYCLE));
        }

        List<Pretended> begunSince(int before) {
            return List.copyOf(begun.subList(before, begun.size()));
        }
    }

    private interface Scenario {
        void run(World world) throws Exception;
    }

    private static void inSimulation(long seed, int tenants, DownloadSettings settings, Scenario scenario)
            throws Exception {
        Simulation simulation = new Simulation(seed);
        simulation.run(() -> scenario.run(new World(simulation, tenants, settings)));
    }

    /** A cold scan by a hundred sessions, and one page of somebody else. */
    @Test
    void aTenantThatWaitsForAHundredLayersDoesNotKeepAnothersPageWaiting() throws Exception {
        inSimulation(1, 3, new DownloadSettings(8, 4, Long.MAX_VALUE), world -> {
            for (int i = 0; i < 100; i++) {
                world.ask(0, true);
            }
            world.settle();
            assertThat(world.begun).as("it may have all while it is alone").hasSize(8);
            Pretended other = world.ask(1, true);
            Pretended third = world.ask(2, true);
            Pretended second = world.ask(1, true);
            world.settle();
            for (int i = 0; i < 5; i++) {
                world.endOne();
            }
            assertThat(world.begunSince(8))
                    .extracting(job -> job.tenant)
                    .as("one of each, then the next of those that have another")
                    .containsExactly(0, 1, 2, 0, 1);
            assertThat(world.begun).contains(other, third, second);
            world.endAll();
        });
    }

    @Test
    void amongTenantsTooAPageGoesBeforeBackgroundWork() throws Exception {
        inSimulation(1, 3, new DownloadSettings(1, 1, Long.MAX_VALUE), world -> {
            Pretended running = world.ask(0, false);
            Pretended compaction = world.ask(0, false);
            Pretended othersCompaction = world.ask(1, false);
            Pretended page = world.ask(2, true);
            Pretended secondPage = world.ask(2, true);
            Pretended raised = world.ask(0, false);
            Pretended last = world.ask(0, false);
            world.settle();
            raised.urgent = true;
            world.queue.raise(raised);
            world.queue.raise(raised);
            world.queue.raise(running);
            world.endAll();
            assertThat(world.begun)
                    .containsExactly(running, page, raised, secondPage, compaction, othersCompaction, last);
        });
    }

    @Test
    void whoWaitsNoMoreLeavesNoHole() throws Exception {
        inSimulation(1, 2, new DownloadSettings(1, 1, Long.MAX_VALUE), world -> {
            Pretended running = world.ask(0, true);
            List<Pretended> much = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                much.add(world.ask(0, true));
            }
            Pretended first = world.ask(1, true);
            Pretended second = world.ask(1, true);
            assertThat(world.queue.withdraw(first)).isTrue();
            assertThat(world.queue.withdraw(first)).isFalse();
            assertThat(world.queue.withdraw(much.get(0))).isTrue();
            much.get(2).cancelled = true;
            world.queue.dropCancelled();
            assertThat(much.get(2).dropped).isTrue();
            assertThat(world.queue.withdraw(much.get(2))).isFalse();
            world.settle();
            world.endAll();
            assertThat(world.begun).containsExactly(running, much.get(1), second, much.get(3));
            assertThat(world.queue.withdraw(running)).isFalse();
        });
    }

    /** What waits and what runs, in the simplest way: lists, and when each tenant had its last turn of each urgency. */
    private static final class Model {
        final List<Pretended> waiting = new ArrayList<>();
        final List<Pretended> running = new ArrayList<>();
        /** Of those that run: began in the background, whatever was wanted of them since. */
        final List<Pretended> inBackground = new ArrayList<>();

        final List<Pretended> begun = new ArrayList<>();
        private final List<Integer> urgentTurns = new ArrayList<>();
        private final List<Integer> backgroundTurns = new ArrayList<>();

        private List<Integer> turns(boolean urgent) {
            return urgent ? urgentTurns : backgroundTurns;
        }

        /** The tenants of those who wait, in the order of their turns. */
        private void noteTurns() {
            for (boolean urgent : new boolean[] {true, false}) {
                Predicate<Pretended> concerned = job -> job.urgent == urgent;
                List<Integer> turns = turns(urgent);
                turns.removeIf(tenant -> waiting.stream().filter(concerned).noneMatch(job -> job.tenant == tenant));
                waiting.stream()
                        .filter(concerned)
                        .filter(job -> !turns.contains(job.tenant))
                        .forEach(job -> turns.add(job.tenant));
            }
        }

        void begin(DownloadSettings settings) {
            noteTurns();
            while (!waiting.isEmpty()) {
                boolean urgent = !urgentTurns.isEmpty();
                Integer tenant = turns(urgent).getFirst();
                Pretended next = waiting.stream()
                        .filter(job -> job.urgent == urgent && job.tenant == tenant)
                        .findFirst()
                        .orElseThrow();
                boolean fits = running.size() < settings.concurrency()
                        && (urgent || inBackground.size() < settings.backgroundConcurrency());
                if (!fits) {
                    return;
                }
                waiting.remove(next);
                running.add(next);
                begun.add(next);
                if (!urgent) {
                    inBackground.add(next);
                }
                turns(urgent).remove(/* element */ tenant);
                noteTurns();
            }
        }

        void ended(Pretended job) {
            running.remove(job);
            inBackground.remove(job);
        }

        /** It goes behind what its tenant waits for already. */
        void raise(Pretended job) {
            job.urgent = true;
            if (waiting.remove(job)) {
                waiting.add(job);
            }
        }
    }

    @Test
    void itDoesWhatTheModelDoes() throws Exception {
        int begun = 0;
        for (long seed = 1; seed <= 40; seed++) {
            Random random = new Random(seed);
            int concurrency = 1 + random.nextInt(4);
            DownloadSettings settings =
                    new DownloadSettings(concurrency, 1 + random.nextInt(concurrency), Long.MAX_VALUE);
            Model model = new Model();
            long number = seed;
            inSimulation(seed, 1 + random.nextInt(5), settings, world -> {
                for (int step = 0; step < 120; step++) {
                    act(world, model, settings, random);
                    world.settle();
                    // Those that begin at once do so in any order.
                    assertThat(world.begun)
                            .as("seed %d, step %d", number, step)
                            .containsExactlyInAnyOrderElementsOf(model.begun);
                    assertThat(world.queue.running())
                            .as("seed %d, step %d", number, step)
                            .isEqualTo(model.running.size());
                }
                world.endAll();
            });
            begun += model.begun.size();
        }
        assertThat(begun).as("a run in which nothing happens finds nothing").isGreaterThan(40 * 20);
    }

    private static void act(World world, Model model, DownloadSettings settings, Random random) {
        int chance = random.nextInt(100);
        if (chance < 45 || model.running.isEmpty()) {
            model.waiting.add(world.ask(random.nextInt(world.owners.size()), random.nextBoolean()));
        } else if (chance < 75 || model.waiting.isEmpty()) {
            Pretended ends = model.running.get(random.nextInt(model.running.size()));
            ends.end();
            model.ended(ends);
        } else {
            Pretended one = model.waiting.get(random.nextInt(model.waiting.size()));
            if (chance < 85) {
                if (!one.urgent) {
                    model.raise(one);
                }
                world.queue.raise(one);
            } else if (chance < 93) {
                model.waiting.remove(one);
                assertThat(world.queue.withdraw(one)).isTrue();
            } else {
                for (Pretended job : List.copyOf(model.waiting)) {
                    if (job.tenant == one.tenant) {
                        job.cancelled = true;
                        model.waiting.remove(job);
                    }
                }
                world.queue.dropCancelled();
                assertThat(one.dropped).isTrue();
            }
        }
        model.begin(settings);
    }
}
