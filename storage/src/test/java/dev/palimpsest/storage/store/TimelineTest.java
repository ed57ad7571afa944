package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.PageArrays;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a timeline promises, one thing at a time, on real files. */
class TimelineTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 1);
    private static final TimelineId CHILD = new TimelineId(2, 2);
    private static final Lsn START = new Lsn(0x1000);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final Key KEY = Key.of(0, 1663, 5, 1000, 0, 1);

    @TempDir
    Path directory;

    private EmbeddedStore store;
    private TenantTimelines tenant;
    private Timeline root;

    @BeforeEach
    void open() throws Exception {
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
        tenant = store.tenant(TENANT, CONTEXT);
        root = tenant.create(ROOT, START, 17, CONTEXT);
    }

    @AfterEach
    void close() throws Exception {
        store.close();
    }

    private void reopen(StoreSettings settings) throws Exception {
        store.close();
        store = EmbeddedStore.open(directory, settings, new AppendingRedo());
        tenant = store.tenant(TENANT, CONTEXT);
        root = tenant.timeline(ROOT);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void put(Timeline timeline, Key key, long lsn, Value value) throws Exception {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        batch.put(key, new Lsn(lsn), value);
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            writer.put(batch.build());
            writer.finish(new Lsn(lsn));
        }
    }

    private static void image(Timeline timeline, long lsn, String text) throws Exception {
        put(timeline, KEY, lsn, new Value.Image(bytes(text)));
    }

    private static String read(Timeline timeline, long lsn) throws Exception {
        return new String(timeline.get(KEY, new Lsn(lsn), CONTEXT), StandardCharsets.UTF_8);
    }

    @Test
    void everyVersionComesBackAtEveryLsn() throws Exception {
        image(root, 0x1000, "a");
        put(root, KEY, 0x1008, new WalRecord.Postgres(false, bytes("b")));
        root.freezeAndFlush(CONTEXT);
        put(root, KEY, 0x1010, new WalRecord.Postgres(false, bytes("c")));
        put(root, KEY, 0x1018, new WalRecord.Postgres(true, bytes("d")));
        assertThat(read(root, 0x1000)).isEqualTo("a");
        assertThat(read(root, 0x1007)).isEqualTo("a");
        assertThat(read(root, 0x1008)).isEqualTo("ab");
        assertThat(read(root, 0x1017)).isEqualTo("abc");
        assertThat(read(root, 0x1018)).isEqualTo("d");
    }

    @Test
    void lsnsMeanWhatTheySay() throws Exception {
        assertThat(root.lastRecordLsn()).isEqualTo(Lsn.INVALID);
        image(root, 0x1000, "a");
        image(root, 0x1008, "b");
        assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(0x1008));
        assertThat(root.prevRecordLsn()).isEqualTo(new Lsn(0x1000));
        assertThat(root.diskConsistentLsn()).isEqualTo(Lsn.INVALID);
        assertThat(root.freezeAndFlush(CONTEXT)).isEqualTo(new Lsn(0x1008));
        assertThat(root.remoteConsistentLsn()).isEqualTo(new Lsn(0x1008));
        assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(0x1008));
        image(root, 0x1010, "lost by the restart");
        reopen(StoreSettings.DEFAULT);
        assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(0x1008));
        assertThat(root.prevRecordLsn()).isEqualTo(new Lsn(0x1000));
        image(root, 0x1010, "taken in again");
        assertThat(read(root, 0x1010)).isEqualTo("taken in again");
    }

    @Test
    void anLsnWithoutValuesBecomesDurableToo() throws Exception {
        image(root, 0x1000, "a");
        root.freezeAndFlush(CONTEXT);
        try (TimelineWriter writer = root.writer(CONTEXT)) {
            writer.finish(new Lsn(0x2000));
        }
        root.freezeAndFlush(CONTEXT);
        reopen(StoreSettings.DEFAULT);
        assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(0x2000));
        assertThat(read(root, 0x2000)).isEqualTo("a");
    }

    @Test
    void aReadWaitsForItsLsn() throws Exception {
        image(root, 0x1000, "a");
        VirtualThreadTasks tasks = new VirtualThreadTasks(store.clock());
        String[] seen = new String[1];
        Task reader = tasks.start("reader", () -> seen[0] = read(root, 0x1008));
        image(root, 0x1008, "b");
        reader.join();
        assertThat(seen[0]).isEqualTo("b");
    }

    @Test
    void waitingEndsAtTheDeadlineAndWhenCancelled() throws Exception {
        image(root, 0x1000, "a");
        RequestContext hurried = CONTEXT.withDeadline(store.clock().nanos() + 1_000_000);
        assertThatThrownBy(() -> root.get(KEY, new Lsn(0x1008), hurried))
                .isInstanceOf(DeadlineExceededException.class)
                .hasMessageContaining("last_record_lsn")
                .hasMessageContaining("0/1008")
                .hasMessageContaining("0/1000");
        Cancellation cancellation = new Cancellation();
        RequestContext cancellable = new RequestContext(TaskKind.PAGE_SERVICE, Clock.NEVER, cancellation);
        Task reader = new VirtualThreadTasks(store.clock())
                .start("reader", () -> root.get(KEY, new Lsn(0x1008), cancellable));
        cancellation.cancel();
        reader.join();
        assertThat(reader.failure()).containsInstanceOf(CancelledException.class);
    }

    @Test
    void whatCannotBeReadIsSaid() throws Exception {
        image(root, 0x1000, "a");
        Timeline child = tenant.branch(CHILD, ROOT, new Lsn(0x1000), CONTEXT);
        Key missing = Key.of(0, 1663, 5, 1000, 0, 99);
        assertThatThrownBy(() -> child.get(missing, new Lsn(0x1000), CONTEXT))
                .isInstanceOf(MissingKeyException.class)
                .hasMessageContaining(missing.toString())
                .hasMessageContaining("0/1000")
                .hasMessageContaining(CHILD.toString())
                .hasMessageContaining(ROOT.toString());
        put(root, missing, 0x1008, new WalRecord.Postgres(false, bytes("x")));
        assertThatThrownBy(() -> root.get(missing, new Lsn(0x1008), CONTEXT))
                .isInstanceOf(MissingKeyException.class)
                .hasMessageContaining("nothing to apply them to");
        assertThatThrownBy(() -> root.get(KEY, new Lsn(0xFF8), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("its history begins at 0/1000");
        assertThatThrownBy(() -> root.get(KEY, Lsn.INVALID, CONTEXT)).isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void aVectoredGetAnswersForEachKey() throws Exception {
        image(root, 0x1000, "a");
        KeySpace keys = KeySpace.of(new KeyRange(KEY, Key.of(0, 1663, 5, 1000, 0, 4)));
        SortedMap<Key, KeyResult> results = root.getVectored(keys, new Lsn(0x1000), CONTEXT);
        assertThat(results).hasSize(3);
        assertThat(results.get(KEY))
                .isInstanceOfSatisfying(
                        KeyResult.Found.class,
                        found -> assertThat(found.bytes()).isEqualTo(bytes("a")));
        assertThat(results.get(KEY.next()))
                .isInstanceOfSatisfying(
                        KeyResult.Failed.class,
                        failed -> assertThat(failed.reason())
                                .isInstanceOf(MissingKeyException.class)
                                .hasMessageContaining("searched"));
        assertThat(root.scan(keys, new Lsn(0x1000), CONTEXT)).hasSize(1);
        KeySpace many = KeySpace.of(new KeyRange(KEY, Key.of(0, 1663, 5, 1000, 0, 100_000)));
        assertThatThrownBy(() -> root.getVectored(many, new Lsn(0x1000), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("over the limit");
    }

    @Test
    void pagesComeInTheArraysThatTheRequestBringsAndAreUsedAgain() throws Exception {
        byte[] page = new byte[PageArrays.LENGTH];
        Arrays.fill(page, (byte) 1);
        byte[] other = new byte[PageArrays.LENGTH];
        Arrays.fill(other, (byte) 2);
        put(root, KEY, 0x1000, new Value.Image(page));
        put(root, KEY.next(), 0x1008, new Value.Image(other));
        KeySpace keys = KeySpace.of(new KeyRange(KEY, KEY.plus(2)));
        PageArrays arrays = new PageArrays();
        for (boolean flushed : new boolean[] {false, true}) {
            SortedMap<Key, KeyResult> first = root.getVectored(keys, new Lsn(0x1008), CONTEXT.withArrays(arrays));
            byte[] firstPage = found(first, KEY);
            byte[] nextPage = found(first, KEY.next());
            assertThat(firstPage).as("flushed: " + flushed).isEqualTo(page).isNotSameAs(nextPage);
            assertThat(nextPage).as("flushed: " + flushed).isEqualTo(other);
            arrays.takeBack();
            Arrays.fill(firstPage, (byte) 3);
            Arrays.fill(nextPage, (byte) 3);
            byte[] again = found(root.getVectored(KeySpace.of(KEY), new Lsn(0x1008), CONTEXT.withArrays(arrays)), KEY);
            assertThat(again).as("flushed: " + flushed).isEqualTo(page);
            assertThat(again)
                    .as("flushed: " + flushed)
                    .satisfiesAnyOf(
                            it -> assertThat(it).isSameAs(firstPage),
                            it -> assertThat(it).isSameAs(nextPage));
            assertThat(found(root.getVectored(keys, new Lsn(0x1008), CONTEXT), KEY.next()))
                    .as("flushed: " + flushed)
                    .isEqualTo(other);
            arrays.takeBack();
            root.freezeAndFlush(CONTEXT);
        }
    }

    private static byte[] found(SortedMap<Key, KeyResult> results, Key key) {
        if (!(results.get(key) instanceof KeyResult.Found(byte[] bytes))) {
            throw new AssertionError(key + ": " + results.get(key));
        }
        return bytes;
    }

    @Test
    void writesOutOfOrderAreRefusedAndChangeNothing() throws Exception {
        image(root, 0x1008, "a");
        assertThatThrownBy(() -> image(root, 0x1008, "again")).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> image(root, 0x1000, "earlier")).isInstanceOf(InvalidRequestException.class);
        try (TimelineWriter writer = root.writer(CONTEXT)) {
            assertThatThrownBy(() -> writer.finish(new Lsn(0x1009)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("multiples of 8");
            assertThatThrownBy(() -> writer.finish(new Lsn(0x1000))).isInstanceOf(InvalidRequestException.class);
        }
        assertThat(read(root, 0x1008)).isEqualTo("a");
    }

    @Test
    void aBranchSeesItsAncestorUpToTheBranchAndGoesItsOwnWay() throws Exception {
        image(root, 0x1000, "a");
        image(root, 0x1008, "b");
        Timeline child = tenant.branch(CHILD, ROOT, new Lsn(0x1000), CONTEXT);
        image(root, 0x1010, "c");
        image(child, 0x1008, "B");
        assertThat(read(child, 0x1008)).isEqualTo("B");
        assertThat(read(child, 0x1000)).isEqualTo("a");
        assertThat(read(root, 0x1010)).isEqualTo("c");
        root.freezeAndFlush(CONTEXT);
        child.freezeAndFlush(CONTEXT);
        reopen(StoreSettings.DEFAULT);
        Timeline again = tenant.timeline(CHILD);
        assertThat(read(again, 0x1008)).isEqualTo("B");
        assertThat(read(again, 0x1000)).isEqualTo("a");
        assertThatThrownBy(() -> tenant.branch(new TimelineId(2, 3), ROOT, new Lsn(0x2000), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("no branch point at 0/2000");
        assertThatThrownBy(() -> tenant.branch(CHILD, ROOT, new Lsn(0x1000), CONTEXT))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("already");
    }

    @Test
    void nothingRunsAfterShutdown() throws Exception {
        image(root, 0x1000, "a");
        Task waiting = new VirtualThreadTasks(store.clock()).start("waiting", () -> read(root, 0x1008));
        root.shutdown(CONTEXT);
        waiting.join();
        assertThat(waiting.failure()).containsInstanceOf(CancelledException.class);
        assertThatThrownBy(() -> read(root, 0x1000)).isInstanceOf(CancelledException.class);
        assertThatThrownBy(() -> root.writer(CONTEXT)).isInstanceOf(CancelledException.class);
        try (Stream<Path> files = Files.walk(directory)) {
            assertThat(files.filter(file -> String.valueOf(file.getFileName()).startsWith("ephemeral")))
                    .isEmpty();
        }
    }

    @Test
    void theOpenLayerIsFrozenBySize() throws Exception {
        reopen(StoreSettings.DEFAULT.withTimelines(
                new TimelineConfig(10_000, Duration.ofMinutes(10), 2, 0, 0, 256, Duration.ofMillis(1))));
        for (int i = 0; i < 50; i++) {
            image(root, 0x1000 + 8L * i, "x".repeat(1_000));
        }
        root.freezeAndFlush(CONTEXT);
        assertThat(root.layers().l0Layers()).hasSizeBetween(5, 7);
        assertThat(root.layers().check()).isEmpty();
    }

    @Test
    void manyL0LayersStallTheFlushAndThenTheWriter() throws Exception {
        reopen(StoreSettings.DEFAULT.withTimelines(
                new TimelineConfig(1_000, Duration.ofMinutes(10), 1, 0, 3, 256, Duration.ofMillis(1))));
        RequestContext hurried = CONTEXT.withDeadline(store.clock().nanos() + 300_000_000);
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 50; i++) {
                        SerializedBatch.Builder batch = new SerializedBatch.Builder();
                        Lsn lsn = new Lsn(0x1000 + 8L * i);
                        batch.put(KEY, lsn, new Value.Image(bytes("x".repeat(600))));
                        try (TimelineWriter writer = root.writer(hurried)) {
                            writer.put(batch.build());
                            writer.finish(lsn);
                        }
                    }
                })
                .isInstanceOf(DeadlineExceededException.class)
                .hasMessageContaining("the flush of frozen layers");
        assertThat(root.layers().l0Layers()).hasSize(3);
        assertThat(read(root, root.lastRecordLsn().value())).isEqualTo("x".repeat(600));
    }

    @Test
    void foreignFilesAreNotTouched() throws Exception {
        image(root, 0x1000, "a");
        root.freezeAndFlush(CONTEXT);
        store.close();
        Path timeline = timelineDirectory();
        Path foreign = timeline.resolve("notes.txt");
        Files.writeString(foreign, "mine");
        try (EmbeddedStore again = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo())) {
            assertThatThrownBy(() -> again.tenant(TENANT, CONTEXT))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("notes.txt");
        }
        assertThat(foreign).hasContent("mine");
    }

    @Test
    void aLayerThatIsGoneLocallyComesFromTheObjectStore() throws Exception {
        image(root, 0x1000, "a");
        root.freezeAndFlush(CONTEXT);
        store.close();
        Path layer = onlyFileIn(timelineDirectory());
        Files.delete(layer);
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
        assertThat(read(store.tenant(TENANT, CONTEXT).timeline(ROOT), 0x1000)).isEqualTo("a");
        store.close();
        Files.writeString(layer, "damaged");
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
        assertThat(read(store.tenant(TENANT, CONTEXT).timeline(ROOT), 0x1000)).isEqualTo("a");
        assertThat(Path.of(layer + ".old")).hasContent("damaged");
        store.close();
        Files.delete(Path.of(layer + ".old"));
        Files.delete(layer);
        Path objects = directory.resolve("objects").resolve(directory.relativize(timelineDirectory()));
        try (Stream<Path> files = Files.list(objects)) {
            for (Path object :
                    files.filter(file -> file.toString().contains("__")).toList()) {
                Files.delete(object);
            }
        }
        store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
        Timeline lost = store.tenant(TENANT, CONTEXT).timeline(ROOT);
        assertThatThrownBy(() -> read(lost, 0x1000))
                .isInstanceOf(ObjectStoreException.class)
                .hasMessageContaining(layer.getFileName().toString().substring(0, 40));
    }

    /** Uploading a layer to a store on the same disk takes no space: both names are of one file. */
    @Test
    void theObjectStoreOnTheSameDiskHasNoCopy() throws Exception {
        image(root, 0x1000, "a");
        root.freezeAndFlush(CONTEXT);
        Path layer = onlyFileIn(timelineDirectory());
        assertThat(Files.getAttribute(layer, "unix:nlink")).isEqualTo(2);
    }

    private static Path onlyFileIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().contains("__"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private Path timelineDirectory() throws IOException {
        return directory
                .resolve("tenants")
                .resolve(TENANT.toString())
                .resolve("timelines")
                .resolve(ROOT.toString());
    }
}
