package dev.palimpsest.storage.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.Timeline;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a store is found, each kind of it, and nothing else. */
class StorageCheckTest {
    @TempDir
    Path directory;

    private SmallStore store = new SmallStore(Path.of("."));

    @BeforeEach
    void fill() throws Exception {
        store = new SmallStore(directory.resolve("objects"));
        store.fill(directory.resolve("local"));
    }

    private StorageReport check() throws Exception {
        return store.check(false, directory.resolve("temporary"));
    }

    private StorageReport deep() throws Exception {
        StorageReport report = store.check(true, directory.resolve("temporary"));
        assertThat(directory.resolve("temporary")).isEmptyDirectory();
        return report;
    }

    private Path indexPart(TimelineId timeline) {
        return store.object(
                RemotePaths.indexPart(SmallStore.TENANT, ShardIndex.UNSHARDED, timeline, new Generation(2)));
    }

    private void changeIndex(TimelineId timeline, UnaryOperator<IndexPart> change) throws Exception {
        IndexPart part = IndexPartCodec.decode(Files.readAllBytes(indexPart(timeline)), "index");
        Files.write(indexPart(timeline), IndexPartCodec.encode(change.apply(part)));
    }

    private static IndexPart withMetadata(IndexPart part, TimelineMetadata metadata) {
        return part.with(part.layers(), metadata, part.lineage());
    }

    private static TimelineReport timeline(StorageReport report, TimelineId id) {
        return report.tenants().getFirst().timelines().stream()
                .filter(timeline -> timeline.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    /** The only problem that there is. */
    private static Finding problem(StorageReport report) {
        assertThat(report.problems()).as("%s", report.findings()).hasSize(1);
        return report.problems().getFirst();
    }

    @Test
    void aSoundStoreIsSound() throws Exception {
        StorageReport report = deep();
        assertThat(report.findings()).isEmpty();
        assertThat(report.foreignObjects()).isZero();
        TenantReport tenant = report.tenants().getFirst();
        assertThat(tenant.claimed()).isEqualTo(new Generation(2));
        assertThat(tenant.published()).isEqualTo(new Generation(2));
        assertThat(tenant.manifests()).isEqualTo(2);
        TimelineReport root = timeline(report, SmallStore.ROOT);
        assertThat(root.layers()).isEqualTo(3).isEqualTo(root.verified());
        assertThat(root.withoutChecksums()).isZero();
        assertThat(root.orphans()).isEmpty();
        TimelineReport child = timeline(report, SmallStore.CHILD);
        assertThat(child.layers()).isEqualTo(1).isEqualTo(child.verified());
        assertThat(timeline(check(), SmallStore.ROOT).verified()).isZero();
    }

    @Test
    void aLayerThatIsNotThereIsAProblemOfAllWhoReadIt() throws Exception {
        String lost = store.layers(SmallStore.ROOT, false).getFirst();
        Files.delete(store.object(lost));
        Finding problem = problem(check());
        assertThat(problem.object()).isEqualTo(lost);
        assertThat(problem.reason()).contains("no such object");
        assertThat(problem.consequence()).contains(SmallStore.ROOT.toString(), SmallStore.CHILD.toString(), "0/3099");
        Files.write(store.object(lost.replaceFirst("-[0-9a-f]{8}$", "-00000077")), new byte[1]);
        assertThat(problem(check()).reason()).contains("00000077");
    }

    @Test
    void aLayerOfAnotherSizeIsAProblem() throws Exception {
        String cut = store.layers(SmallStore.CHILD, false).getFirst();
        byte[] bytes = Files.readAllBytes(store.object(cut));
        Files.write(store.object(cut), Arrays.copyOf(bytes, bytes.length - 1));
        Finding problem = problem(check());
        assertThat(problem.object()).isEqualTo(cut);
        assertThat(problem.offset()).isEqualTo(bytes.length - 1);
        assertThat(problem.consequence()).doesNotContain(SmallStore.ROOT.toString());
    }

    @Test
    void anIndexPartThatIsNotThereIsAProblem() throws Exception {
        Files.delete(indexPart(SmallStore.CHILD));
        Finding problem = problem(check());
        assertThat(problem.object()).endsWith("index_part.json-00000002");
        assertThat(problem.timeline()).isEqualTo(SmallStore.CHILD);
        assertThat(problem.consequence()).contains("no server can load");
    }

    @Test
    void whatANewerLifeWasToWriteIsNotNamedByAnOlderIndexPart() throws Exception {
        changeIndex(
                SmallStore.CHILD,
                part -> part.with(
                        part.layers().entrySet().stream()
                                .collect(Collectors.toMap(
                                        Map.Entry::getKey,
                                        layer -> new LayerMetadata(
                                                layer.getValue().fileSize(), new Generation(3), ShardIndex.UNSHARDED))),
                        part.metadata(),
                        part.lineage()));
        assertThat(check().problems())
                .extracting(Finding::reason)
                .anyMatch(reason -> reason.contains("later generation"))
                .anyMatch(reason -> reason.contains("no such object"));
    }

    @Test
    void branchPointsLieWithinTheHistoryOfTheAncestor() throws Exception {
        changeIndex(SmallStore.CHILD, part -> withMetadata(part, branchedAt(part.metadata(), SmallStore.ROOT, 0x800)));
        assertThat(problem(check()).reason()).contains("0/800", "begins at 0/1000");
        changeIndex(SmallStore.CHILD, part -> withMetadata(part, branchedAt(part.metadata(), SmallStore.ROOT, 0x4800)));
        StorageReport beyond = check();
        assertThat(beyond.problems()).isEmpty();
        assertThat(beyond.warnings()).hasSize(1);
        TimelineId none = new TimelineId(9, 9);
        changeIndex(SmallStore.CHILD, part -> withMetadata(part, branchedAt(part.metadata(), none, 0x4000)));
        assertThat(problem(check()).reason()).contains(none.toString());
        changeIndex(
                SmallStore.CHILD, part -> withMetadata(part, branchedAt(part.metadata(), SmallStore.CHILD, 0x4000)));
        assertThat(problem(check()).reason()).contains("ancestor of itself");
    }

    private static TimelineMetadata branchedAt(TimelineMetadata metadata, TimelineId ancestor, long lsn) {
        return new TimelineMetadata(
                metadata.diskConsistentLsn(),
                metadata.prevRecordLsn(),
                new TimelineMetadata.Ancestor(ancestor, new Lsn(lsn)),
                metadata.latestGcCutoffLsn(),
                metadata.initdbLsn(),
                metadata.pgVersion());
    }

    @Test
    void theRowOfClaimsHasNoGap() throws Exception {
        Path manifest =
                store.object(RemotePaths.tenantManifest(SmallStore.TENANT, ShardIndex.UNSHARDED, new Generation(1)));
        byte[] bytes = Files.readAllBytes(manifest);
        Files.delete(manifest);
        assertThat(problem(check()).reason()).contains("missing in the row");
        Files.write(manifest, bytes);
        Files.delete(store.object(RemotePaths.generations(SmallStore.TENANT, ShardIndex.UNSHARDED)));
        StorageReport report = check();
        assertThat(problem(report).object()).endsWith("generations.json");
        assertThat(timeline(report, SmallStore.ROOT).layers()).isEqualTo(3);
    }

    @Test
    void aManifestInForceThatIsNotThereIsAProblem() throws Exception {
        String newest = RemotePaths.tenantManifest(SmallStore.TENANT, ShardIndex.UNSHARDED, new Generation(2));
        Files.write(store.object(newest), new byte[10]);
        Finding problem = problem(check());
        assertThat(problem.object()).isEqualTo(newest);
        assertThat(problem.offset()).isZero();
    }

    @Test
    void aClaimThatCameNoFurtherLeavesTheLifeBeforeInForce() throws Exception {
        try (EmbeddedStore next = store.open(directory.resolve("next"))) {
            next.tenant(SmallStore.TENANT, SmallStore.CONTEXT);
        }
        String third = RemotePaths.tenantManifest(SmallStore.TENANT, ShardIndex.UNSHARDED, new Generation(3));
        Files.write(
                store.object(third),
                "{\"version\":2,\"offloaded_timelines\":[],\"palimpsest\":{\"owner\":\"ab\"}}"
                        .getBytes(StandardCharsets.US_ASCII));
        StorageReport report = deep();
        assertThat(report.findings()).isEmpty();
        assertThat(report.tenants().getFirst().claimed()).isEqualTo(new Generation(3));
        assertThat(report.tenants().getFirst().published()).isEqualTo(new Generation(2));
    }

    @Test
    void orphansAreCountedWithTheirReason() throws Exception {
        String layer = store.layers(SmallStore.ROOT, false).getFirst();
        byte[] bytes = new byte[100];
        String name = layer.substring(0, layer.length() - 8).replace("__0000000000003099-", "__0000000000000800-");
        for (String generation : List.of("00000001", "00000002", "00000009", "00000000")) {
            Files.write(store.object(name + generation), bytes);
        }
        StorageReport report = check();
        assertThat(report.findings()).isEmpty();
        assertThat(timeline(report, SmallStore.ROOT).orphans())
                .extracting(Orphans::reason, Orphans::objects, Orphans::bytes)
                .containsExactlyInAnyOrder(
                        tuple(Orphans.Reason.OLDER_LIFE, 1L, 100L),
                        tuple(Orphans.Reason.NEWEST_LIFE, 1L, 100L),
                        tuple(Orphans.Reason.UNCLAIMED, 1L, 100L),
                        tuple(Orphans.Reason.BEFORE_CLAIMS, 1L, 100L));
    }

    @Test
    void timelinesThatAreDeletedAreTold() throws Exception {
        changeIndex(SmallStore.CHILD, part -> part.with(part.state().deletedAt(Instant.parse("2026-11-21T00:00:00Z"))));
        Files.delete(store.object(store.layers(SmallStore.CHILD, false).getFirst()));
        StorageReport report = check();
        assertThat(report.findings()).isEmpty();
        assertThat(timeline(report, SmallStore.CHILD).deleting()).isTrue();
        TimelineId unknown = new TimelineId(7, 7);
        Path stray = store.object(
                RemotePaths.indexPart(SmallStore.TENANT, ShardIndex.UNSHARDED, unknown, new Generation(1)));
        Files.createDirectories(stray.getParent());
        Files.write(stray, Files.readAllBytes(indexPart(SmallStore.ROOT)));
        assertThat(timeline(check(), unknown).orphans())
                .extracting(Orphans::reason)
                .containsExactly(Orphans.Reason.UNKNOWN_TIMELINE);
        Files.write(stray, Files.readAllBytes(indexPart(SmallStore.CHILD)));
        assertThat(timeline(check(), unknown).orphans())
                .extracting(Orphans::reason)
                .containsExactly(Orphans.Reason.DELETION_UNFINISHED);
    }

    @Test
    void whatIsNotOursIsNamed() throws Exception {
        String timeline = RemotePaths.timeline(SmallStore.TENANT, ShardIndex.UNSHARDED, SmallStore.ROOT);
        for (String key : List.of("readme", "other/thing", timeline + "notes", timeline + "initdb.tar.zst")) {
            Path file = store.object(key);
            Files.createDirectories(file.getParent());
            Files.write(file, new byte[1]);
        }
        StorageReport report = check();
        assertThat(report.foreign()).containsExactlyInAnyOrder("readme", "other/", timeline + "notes");
        assertThat(report.problems()).isEmpty();
        Files.createDirectories(store.object("tenants/x/y").getParent());
        Files.write(store.object("tenants/x/y"), new byte[1]);
        assertThat(problem(check()).object()).isEqualTo("tenants/x/");
    }

    /** A server writes, compacts and deletes all the time; nothing of that is a problem. */
    @Test
    void aServerAtWorkIsNoProblem() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        try (EmbeddedStore server = store.open(directory.resolve("server"))) {
            Timeline root = server.tenant(SmallStore.TENANT, SmallStore.CONTEXT).timeline(SmallStore.ROOT);
            Thread writing = Thread.ofPlatform().start(() -> {
                try {
                    for (long round = 0x5000; !stop.get(); round += 0x1000) {
                        SmallStore.round(root, round);
                        SmallStore.compact(root);
                    }
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            try {
                for (int run = 0; run < 8; run++) {
                    StorageReport report = run % 2 == 0 ? check() : deep();
                    assertThat(report.problems()).as("run %d", run).isEmpty();
                }
            } finally {
                stop.set(true);
                writing.join();
            }
        }
        assertThat(failure.get()).isNull();
    }
}
