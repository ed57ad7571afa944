package dev.palimpsest.storage.store;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.ReplicationOriginKeys;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.ArchivedTimeline;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineImport;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Timelines that are made independent of their ancestors, on real files; what random use of it comes to is simulated. */
class DetachTest {
    private static final TenantId TENANT = new TenantId(1, 1);
    private static final TimelineId ROOT = new TimelineId(2, 1);
    private static final TimelineId MIDDLE = new TimelineId(2, 2);
    private static final TimelineId LEAF = new TimelineId(2, 3);
    private static final TimelineId EARLY = new TimelineId(2, 4);
    private static final TimelineId LATE = new TimelineId(2, 5);
    private static final Lsn START = new Lsn(0x1000);
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final Key PAGE = Key.of(0, 1663, 5, 1000, 0, 1);
    private static final Key ORIGIN = ReplicationOriginKeys.origin(7);

    @TempDir
    private Path directory;

    private EmbeddedStore open() throws Exception {
        return EmbeddedStore.open(directory, StoreSettings.DEFAULT, new AppendingRedo());
    }

    private static void write(Timeline timeline, Key key, Lsn lsn) throws Exception {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        batch.put(key, lsn, new Value.Image(lsn.toString().getBytes(StandardCharsets.US_ASCII)));
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            writer.put(batch.build());
            writer.finish(lsn);
        }
    }

    private static Lsn at(int number) {
        return START.plus(8L * number);
    }

    private static String read(Timeline timeline, Key key, Lsn lsn) throws Exception {
        return new String(timeline.get(key, lsn, CONTEXT), StandardCharsets.US_ASCII);
    }

    private static void assertAbsent(Timeline timeline, Key key, Lsn lsn) {
        assertThatThrownBy(() -> timeline.get(key, lsn, CONTEXT)).isInstanceOf(MissingKeyException.class);
    }

    private static void checkPages(Timeline timeline, int last) throws Exception {
        for (int i = 0; i <= last; i++) {
            assertThat(read(timeline, PAGE, at(i))).as("at %d", i).isEqualTo(at(i).toString());
        }
    }

    /** A version of a page at each LSN, the branches in the middle of layers. */
    private static TenantTimelines line(EmbeddedStore store) throws Exception {
        TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
        Timeline root = tenant.create(ROOT, START, 17, CONTEXT);
        write(root, PAGE, at(0));
        root.freezeAndFlush(CONTEXT);
        for (int i = 1; i < 10; i++) {
            write(root, PAGE, at(i));
        }
        tenant.branch(EARLY, ROOT, at(3), CONTEXT);
        Timeline middle = tenant.branch(MIDDLE, ROOT, at(5), CONTEXT);
        for (int i = 6; i < 16; i++) {
            write(middle, PAGE, at(i));
        }
        Timeline leaf = tenant.branch(LEAF, MIDDLE, at(12), CONTEXT);
        tenant.branch(LATE, MIDDLE, at(13), CONTEXT);
        for (int i = 13; i < 20; i++) {
            write(leaf, PAGE, at(i));
        }
        return tenant;
    }

    @Test
    void aTimelineIsIndependentOfAllItsAncestors() throws Exception {
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = line(store);
            Timeline leaf = tenant.timeline(LEAF);
            assertThat(tenant.detach(LEAF, CONTEXT)).isEmpty();
            assertThat(leaf.branchPoint()).isNull();
            assertThat(requireNonNull(leaf.indexPart().lineage().originalAncestor())
                            .timeline())
                    .isEqualTo(MIDDLE);
            assertThat(leaf.layers().check()).isEmpty();
            checkPages(leaf, 19);
            assertThatThrownBy(() -> tenant.detach(ROOT, CONTEXT))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("no ancestor");
            assertThat(tenant.detach(MIDDLE, CONTEXT)).containsExactly(EARLY);
            assertThat(requireNonNull(tenant.timeline(EARLY).branchPoint())
                            .ancestor()
                            .id())
                    .isEqualTo(MIDDLE);
            assertThat(tenant.timeline(EARLY).indexPart().lineage().reparentingHistory())
                    .containsExactly(ROOT);
            tenant.delete(ROOT, CONTEXT);
            assertThatThrownBy(() -> tenant.delete(MIDDLE, CONTEXT)).hasMessageContaining(EARLY.toString());
            checkPages(tenant.timeline(LATE), 13);
            leaf.freezeAndFlush(CONTEXT);
        }
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            checkPages(tenant.timeline(LEAF), 19);
            checkPages(tenant.timeline(EARLY), 3);
            checkPages(tenant.timeline(LATE), 13);
        }
    }

    @Test
    void whatABranchDoesNotSeeOfItsAncestorItDoesNotGet() throws Exception {
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            Timeline root = tenant.create(ROOT, START, 17, CONTEXT);
            try (TimelineImport filling = root.beginImport(START, 1 << 20)) {
                try (TimelineImport.Images images = filling.images(KeyRange.ALL)) {
                    images.put(PAGE, page(at(0)));
                    images.put(ORIGIN, page(at(0)));
                    images.finish();
                }
                filling.finish(CONTEXT);
            }
            write(root, ORIGIN, at(1));
            root.freezeAndFlush(CONTEXT);
            write(root, PAGE, at(2));
            write(root, ORIGIN, at(3));
            Timeline branch = tenant.branch(LEAF, ROOT, at(3), CONTEXT);
            write(root, ORIGIN, at(4));
            write(branch, PAGE, at(5));
            tenant.detach(LEAF, CONTEXT);
            for (int i = 0; i <= 5; i++) {
                assertAbsent(branch, ORIGIN, at(i));
                assertThat(read(root, ORIGIN, at(Math.min(i, 4)))).isNotEmpty();
            }
            assertThat(read(branch, PAGE, at(1))).isEqualTo(at(0).toString());
            assertThat(read(branch, PAGE, at(4))).isEqualTo(at(2).toString());
            write(branch, ORIGIN, at(6));
            assertThat(read(branch, ORIGIN, at(6))).isEqualTo(at(6).toString());
        }
    }

    private static ByteBuffer page(Lsn lsn) {
        return ByteBuffer.wrap(lsn.toString().getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void whatIsArchivedHoldsItsBranchPointAndNothingElse() throws Exception {
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = line(store);
            assertThatThrownBy(() -> tenant.archive(MIDDLE, CONTEXT)).hasMessageContaining(LEAF.toString());
            tenant.archive(LEAF, CONTEXT);
            tenant.archive(LEAF, CONTEXT);
            tenant.archive(EARLY, CONTEXT);
            assertThat(local(LEAF)).isEmpty();
            assertThatThrownBy(() -> tenant.timeline(LEAF)).hasMessageContaining("archived");
            assertThatThrownBy(() -> tenant.delete(MIDDLE, CONTEXT)).hasMessageContaining(LEAF.toString());
            ArchivedTimeline leaf = tenant.archived().getFirst();
            assertThat(leaf.id()).isEqualTo(LEAF);
            assertThat(leaf.diskConsistentLsn()).isEqualTo(at(19));
            assertThat(leaf.layers()).isEqualTo(1);
            assertThat(tenant.detach(MIDDLE, CONTEXT)).containsExactly(EARLY);
            tenant.delete(ROOT, CONTEXT);
        }
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            assertThat(tenant.archived()).extracting(ArchivedTimeline::id).containsExactly(LEAF, EARLY);
            assertThat(local(LEAF)).isEmpty();
            tenant.archive(LATE, CONTEXT);
            tenant.archive(MIDDLE, CONTEXT);
            assertThatThrownBy(() -> tenant.unarchive(EARLY, CONTEXT)).hasMessageContaining("archived");
            assertThatThrownBy(() -> tenant.branch(new TimelineId(2, 6), MIDDLE, at(6), CONTEXT))
                    .hasMessageContaining("archived");
            tenant.unarchive(MIDDLE, CONTEXT);
            checkPages(tenant.unarchive(EARLY, CONTEXT), 3);
            checkPages(tenant.unarchive(LEAF, CONTEXT), 19);
            tenant.delete(LATE, CONTEXT);
        }
        try (EmbeddedStore store = open()) {
            TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
            assertThat(tenant.archived()).isEmpty();
            assertThat(tenant.all()).extracting(Timeline::id).containsExactly(MIDDLE, LEAF, EARLY);
            checkPages(tenant.timeline(LEAF), 19);
        }
    }

    private List<Path> local(TimelineId timeline) throws Exception {
        try (Stream<Path> files = Files.walk(directory.resolve("tenants"))) {
            return files.filter(path -> path.endsWith(timeline.toString())).toList();
        }
    }
}
