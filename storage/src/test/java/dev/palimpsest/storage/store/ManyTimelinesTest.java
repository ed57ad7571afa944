package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.local.LocalDirectoryStore;
import dev.palimpsest.storage.timeline.DenseKeys;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tenant of many branches of which most are never written to. */
class ManyTimelinesTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 0);
    private static final Lsn START = new Lsn(0x1000);
    private static final Lsn END = new Lsn(0x1100);
    private static final Key KEY = Key.of(0, 1663, 5, 1000, 0, 0);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final int BRANCHES = 60;
    /** As many as are read at once. */
    private static final int AT_ONCE = 16;

    @TempDir
    Path directory;

    /** Answers reads of index parts only when so many are asked for at once, or after a while. */
    private static final class Together {
        final CountDownLatch awaited = new CountDownLatch(AT_ONCE);
        final AtomicInteger running = new AtomicInteger();
        final AtomicInteger most = new AtomicInteger();
        final AtomicInteger reads = new AtomicInteger();

        ObjectStore of(ObjectStore store) {
            return (ObjectStore) Proxy.newProxyInstance(
                    ObjectStore.class.getClassLoader(), new Class<?>[] {ObjectStore.class}, (_, method, arguments) -> {
                        boolean counts = method.getName().equals("read")
                                && ((ObjectKey) arguments[0]).value().contains("index_part");
                        if (counts) {
                            reads.incrementAndGet();
                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                            awaited.countDown();
                            awaited.await(20, TimeUnit.SECONDS);
                        }
                        try {
                            return method.invoke(store, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        } finally {
                            if (counts) {
                                running.decrementAndGet();
                            }
                        }
                    });
        }
    }

    private EmbeddedStore open(Together together) throws StorageException {
        return EmbeddedStore.open(
                directory,
                (disk, _) -> together.of(LocalDirectoryStore.open(disk, directory.resolve("objects"))),
                StoreSettings.DEFAULT,
                new AppendingRedo(),
                DenseKeys.NONE,
                new PrometheusRegistry());
    }

    private static TimelineId branch(int number) {
        return new TimelineId(2, number);
    }

    /** Each branch comes from the one before at every tenth, else from the root. */
    private static TimelineId ancestor(int number) {
        return number > 1 && number % 10 == 0 ? branch(number - 1) : ROOT;
    }

    @Test
    void theirIndexPartsAreReadSeveralAtOnceAndAllComeBack() throws Exception {
        try (EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo())) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.create(ROOT, START, 17, CONTEXT);
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            batch.put(KEY, END, new Value.Image(new byte[] {1, 2, 3}));
            try (TimelineWriter writer = root.writer(CONTEXT)) {
                writer.put(batch.build());
                writer.finish(END);
            }
            root.freezeAndFlush(CONTEXT);
            for (int i = 1; i <= BRANCHES; i++) {
                tenant.branch(branch(i), ancestor(i), END, CONTEXT);
            }
        }

        Together together = new Together();
        try (EmbeddedStore store = open(together)) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            assertThat(together.reads).hasValue(BRANCHES + 1);
            assertThat(together.most).as("reads at once").hasValue(AT_ONCE);
            List<TimelineId> expected = new ArrayList<>(List.of(ROOT));
            for (int i = 1; i <= BRANCHES; i++) {
                expected.add(branch(i));
                Timeline.BranchPoint point = tenant.timeline(branch(i)).branchPoint();
                assertThat(point).isEqualTo(new Timeline.BranchPoint(tenant.timeline(ancestor(i)), END));
                assertThat(tenant.timeline(branch(i)).get(KEY, END, CONTEXT)).containsExactly(1, 2, 3);
            }
            assertThat(tenant.all().stream().map(Timeline::id)).containsExactlyElementsOf(expected);
            assertThat(tenant.evictable())
                    .as("those that have layers")
                    .singleElement()
                    .satisfies(evictable -> assertThat(evictable.id()).isEqualTo(ROOT));
        }
    }
}
