package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is done to tenants over the API, in any order and at once, against a model as simple as what users are told. */
class TenantModelTest {
    private static final int TENANTS = 4;
    private static final int PAGES = 3;

    @TempDir
    private Path root;

    /** What is known of a tenant. */
    private static final class Model {
        final TenantId id;
        final TimelineId timeline;
        final Map<Integer, Integer> pages = new TreeMap<>(Map.of(0, 1));
        boolean attached = true;
        boolean deleted;
        /** The one that was given last; -1 for none. */
        long generation = -1;

        @Nullable
        Long gcHorizon;

        Model(TenantId id, TimelineId timeline) {
            this.id = id;
            this.timeline = timeline;
        }
    }

    private final List<Model> models = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // each test begins with begin()
    private TenantHost host;

    private void open(Path directory) throws Exception {
        host = new TenantHost(directory, root.resolve("objects"));
    }

    private void begin() throws Exception {
        models.clear();
        open(root.resolve("server"));
        for (int i = 0; i < TENANTS; i++) {
            TenantId id = TenantId.parse(String.format("%032x", i + 1));
            models.add(new Model(id, TenantHost.makeBranch(host.store, id, "branch" + i)));
        }
        host.close();
        open(root.resolve("server"));
    }

    private static void deleteTree(Path path) throws IOException {
        try (Stream<Path> all = Files.walk(path)) {
            for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(one);
            }
        }
    }

    private static String path(Model model) {
        return "/v1/tenant/" + model.id;
    }

    private int place(Model model, String mode, @Nullable Long generation) throws Exception {
        String given = generation == null ? "" : ",\"generation\":" + generation;
        return host.send("PUT", path(model) + "/location_config", "{\"mode\":\"" + mode + "\"" + given + "}")
                .status();
    }

    private void step(Model model, RandomGenerator random) throws Exception {
        switch (random.nextInt(12)) {
            case 0, 1 -> {
                if (!model.deleted) {
                    assertThat(place(model, "Detached", null)).isEqualTo(200);
                    model.attached = false;
                    model.generation = -1;
                }
            }
            case 2, 3, 4 -> {
                if (!model.deleted) {
                    long generation = Math.max(0, model.generation + random.nextInt(-1, 2));
                    boolean old = model.attached && generation < model.generation;
                    assertThat(place(model, "AttachedSingle", generation)).isEqualTo(old ? 400 : 200);
                    if (!old) {
                        model.attached = true;
                        model.generation = generation;
                    }
                }
            }
            case 5 -> {
                int status = host.send("DELETE", path(model), null).status();
                assertThat(status).isEqualTo(model.attached || model.deleted ? 200 : 409);
                if (model.attached) {
                    model.deleted = true;
                    model.attached = false;
                }
            }
            case 6 -> {
                long horizon = random.nextInt(1, 1000);
                int status = host.send(
                                "PATCH",
                                "/v1/tenant/config",
                                "{\"tenant_id\":\"" + model.id + "\",\"gc_horizon\":" + horizon + "}")
                        .status();
                assertThat(status).isEqualTo(model.attached ? 200 : 404);
                if (model.attached) {
                    model.gcHorizon = horizon;
                }
            }
            case 7 -> {
                boolean drop = random.nextBoolean();
                assertThat(host.send("POST", path(model) + "/reset?drop_cache=" + drop, null)
                                .status())
                        .isEqualTo(model.attached ? 200 : 404);
            }
            default -> {
                if (model.attached) {
                    host.tenants().awaitActive(model.id);
                    int page = random.nextInt(PAGES);
                    int value = random.nextInt(1, 100);
                    host.put(model.id, model.timeline, page, value);
                    model.pages.put(page, value);
                }
            }
        }
    }

    private void check(Model model) throws Exception {
        TenantHost.Answer answer = host.get(path(model));
        assertThat(answer.status()).isEqualTo(model.attached ? 200 : 404);
        if (!model.attached) {
            return;
        }
        assertThat(answer.body()).contains("\"slug\":\"Active\"").contains(model.timeline.toString());
        for (Map.Entry<Integer, Integer> page : model.pages.entrySet()) {
            assertThat(host.read(model.id, model.timeline, page.getKey())).isEqualTo(page.getValue());
        }
        String own = model.gcHorizon == null ? "{}" : "{\"gc_horizon\":" + model.gcHorizon + "}";
        assertThat(host.get(path(model) + "/config").body()).contains("\"tenant_specific_overrides\":" + own);
    }

    private void restart(RandomGenerator random) throws Exception {
        host.close();
        if (random.nextBoolean()) {
            for (String cache : List.of("server/tenants")) {
                deleteTree(root.resolve(cache));
            }
        }
        open(root.resolve("server"));
    }

    private void run(long seed, int steps) throws Exception {
        RandomGenerator random = new SplittableRandom(seed);
        begin();
        try {
            for (int i = 0; i < steps; i++) {
                Model model = models.get(random.nextInt(models.size()));
                step(model, random);
                check(model);
                if (random.nextInt(10) == 0) {
                    restart(random);
                    for (Model each : models) {
                        check(each);
                    }
                }
            }
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        } finally {
            host.close();
        }
    }

    /** Each thread has a tenant of its own; what it does must come out as if there were no others. */
    private void runAtOnce(long seed, int steps) throws Exception {
        begin();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (Model model : models) {
                RandomGenerator random = new SplittableRandom(seed + all.size());
                Callable<?> work = () -> {
                    for (int i = 0; i < steps; i++) {
                        step(model, random);
                        check(model);
                    }
                    return null;
                };
                all.add(threads.submit(work));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } catch (Exception e) {
            throw new AssertionError("seed " + seed, e);
        } finally {
            host.close();
        }
    }

    private static long seed() {
        return Long.getLong("palimpsest.seed", System.nanoTime());
    }

    @Test
    void whatIsDoneOneAfterTheOtherIsAsItIsSaid() throws Exception {
        run(seed(), 40);
    }

    @Test
    void tenantsDoNotKnowOfEachOther() throws Exception {
        runAtOnce(seed(), 15);
    }

    @Test
    @Tag("long")
    void manyOrdersAreAsItIsSaid() throws Exception {
        for (int i = 0; i < 20; i++) {
            long seed = seed() + i;
            run(seed, 200);
            deleteTree(root.resolve("server"));
            deleteTree(root.resolve("objects"));
            runAtOnce(seed, 60);
            deleteTree(root.resolve("server"));
            deleteTree(root.resolve("objects"));
        }
    }
}
