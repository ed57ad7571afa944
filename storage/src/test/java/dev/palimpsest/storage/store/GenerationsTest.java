package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.simulation.DiskFaults;
import dev.palimpsest.storage.simulation.ObjectStoreFaults;
import dev.palimpsest.storage.simulation.SimulatedDisk;
import dev.palimpsest.storage.simulation.SimulatedObjectStore;
import dev.palimpsest.storage.simulation.Simulation;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What a life of a tenant finds in the object store, and what it makes of it. */
class GenerationsTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);
    private static final TimelineId ID = new TimelineId(1, 2);
    private static final Key KEY = Key.of(0, 1663, 5, 1000, 0, 0);
    private static final String TENANT = "tenants/00000000000000070000000000000007/";

    private final Simulation simulation = new Simulation(1);
    private final SimulatedObjectStore objects = simulation.newObjectStore("objects", ObjectStoreFaults.NONE);
    private final SimulatedDisk disk = simulation.newDisk("disk", DiskFaults.NONE);

    private interface Life {
        void live(TenantTimelines tenant) throws StorageException;
    }

    /** A life, from load to shutdown. */
    private void life(Life life) throws Exception {
        simulation.run(() -> {
            TenantTimelines tenant = load();
            life.live(tenant);
            tenant.shutdown(CONTEXT);
        });
    }

    private TenantTimelines load() throws StorageException {
        return StoreSimulation.load(simulation.environment(), disk, objects);
    }

    private static void write(Timeline timeline, long lsn) throws StorageException {
        try (TimelineWriter writer = timeline.writer(CONTEXT)) {
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            batch.put(KEY, new Lsn(lsn), new Value.Image(new byte[] {(byte) lsn}));
            writer.put(batch.build());
            writer.finish(new Lsn(lsn));
        }
        timeline.freezeAndFlush(CONTEXT);
    }

    private void note(Timeline timeline, String word) throws StorageException {
        timeline.updateState(state -> state.withExtension("{\"word\":\"" + word + "\"}"), CONTEXT);
    }

    @Test
    void everyLifeHasAGenerationOfItsOwn() throws Exception {
        life(tenant -> tenant.create(ID, new Lsn(0x1000), 17, CONTEXT));
        life(tenant -> assertThat(tenant.all()).hasSize(1));
        for (int i = 3; i <= 20; i++) {
            life(tenant -> note(tenant.timeline(ID), "again"));
        }
        assertThat(objects.keys())
                .contains(TENANT + "tenant-manifest-00000001.json", TENANT + "tenant-manifest-00000014.json")
                .contains(TENANT + "timelines/" + ID + "/index_part.json-00000001")
                .doesNotContain(TENANT + "timelines/" + ID + "/index_part.json-00000002")
                .contains(TENANT + "timelines/" + ID + "/index_part.json-00000014");
    }

    @Test
    void layersKeepTheGenerationTheyWereWrittenUnder() throws Exception {
        life(tenant -> write(tenant.create(ID, new Lsn(0x1000), 17, CONTEXT), 0x1008));
        life(tenant -> write(tenant.timeline(ID), 0x1010));
        life(tenant -> {
            Timeline timeline = tenant.timeline(ID);
            note(timeline, "third");
            assertThat(timeline.indexPart().layers().values())
                    .extracting(LayerMetadata::generation)
                    .containsExactlyInAnyOrder(new Generation(1), new Generation(2));
        });
        life(tenant -> assertThat(tenant.timeline(ID).get(KEY, new Lsn(0x1010), CONTEXT))
                .isEqualTo(new byte[] {0x10}));
    }

    @Test
    void whoeverIsSupersededWritesNothingThatCounts() throws Exception {
        simulation.run(() -> {
            TenantTimelines old = load();
            Timeline before = old.create(ID, new Lsn(0x1000), 17, CONTEXT);
            note(before, "acknowledged");
            TenantTimelines next = load();
            assertThatThrownBy(() -> note(before, "too late"))
                    .isInstanceOf(SupersededException.class)
                    .hasMessageContaining("another server")
                    .hasMessageContaining("00000001");
            assertThatThrownBy(() -> old.create(new TimelineId(1, 3), new Lsn(0x1000), 17, CONTEXT))
                    .isInstanceOf(SupersededException.class);
            assertThatThrownBy(() -> old.delete(ID, CONTEXT)).isInstanceOf(SupersededException.class);
            note(next.timeline(ID), "newer");
            TenantTimelines last = load();
            assertThat(last.all()).hasSize(1);
            assertThat(last.timeline(ID).indexPart().state().extension()).isEqualTo("{\"word\":\"newer\"}");
            old.shutdown(CONTEXT);
            next.shutdown(CONTEXT);
            last.shutdown(CONTEXT);
        });
    }

    /** Who is superseded may still replace its index parts until it notices; what was built upon them is not hurt by that. */
    @Test
    void aBranchKeepsWhatItsAncestorHadWhenItWasMade() throws Exception {
        simulation.run(() -> {
            TenantTimelines old = load();
            Timeline before = old.create(ID, new Lsn(0x1000), 17, CONTEXT);
            for (long lsn = 0x1008; lsn < 0x1040; lsn += 8) {
                write(before, lsn);
            }
            TimelineId child = new TimelineId(1, 3);
            TimelineId grandchild = new TimelineId(1, 4);
            old.branch(child, ID, new Lsn(0x1030), CONTEXT);
            TenantTimelines next = load();
            next.branch(grandchild, child, new Lsn(0x1030), CONTEXT);
            old.collectGarbage(ID, GcInputs.keepFrom(new Lsn(0x1038)), GarbageCollection.Mode.REMOVE, CONTEXT);
            assertThatThrownBy(() -> write(before, 0x1040)).hasCauseInstanceOf(SupersededException.class);
            next.shutdown(CONTEXT);
            TenantTimelines last = load();
            assertThat(last.timeline(ID).gcCutoffLsn())
                    .isLessThanOrEqualTo(last.timeline(grandchild).gcCutoffLsn());
            assertThat(last.timeline(grandchild).get(KEY, new Lsn(0x1010), CONTEXT))
                    .isEqualTo(new byte[] {0x10});
            old.shutdown(CONTEXT);
            last.shutdown(CONTEXT);
        });
    }

    @Test
    void writesOfWhoeverIsSupersededStop() throws Exception {
        life(old -> {
            Timeline timeline = old.create(ID, new Lsn(0x1000), 17, CONTEXT);
            write(timeline, 0x1008);
            Lsn durable = timeline.remoteConsistentLsn();
            load().shutdown(CONTEXT);
            assertThatThrownBy(() -> write(timeline, 0x1010))
                    .hasCauseInstanceOf(SupersededException.class)
                    .hasMessageContaining("another server");
            assertThat(timeline.remoteConsistentLsn()).isEqualTo(durable);
            assertThatThrownBy(() -> write(timeline, 0x1018))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("another server");
        });
    }

    @Test
    void aBucketWithoutManifestsIsRead() throws Exception {
        life(tenant -> {
            note(tenant.create(ID, new Lsn(0x1000), 17, CONTEXT), "old");
            objects.delete(new ObjectKey(TENANT + "tenant-manifest-00000001.json"), CONTEXT);
            objects.delete(new ObjectKey(TENANT + "generations.json"), CONTEXT);
        });
        life(tenant -> {
            assertThat(tenant.timeline(ID).indexPart().state().extension()).isEqualTo("{\"word\":\"old\"}");
            note(tenant.timeline(ID), "new");
        });
        assertThat(objects.keys())
                .contains(TENANT + "tenant-manifest-00000002.json")
                .doesNotContain(TENANT + "tenant-manifest-00000001.json");
        life(tenant ->
                assertThat(tenant.timeline(ID).indexPart().state().extension()).isEqualTo("{\"word\":\"new\"}"));
    }

    @Test
    void whatNeonHasOffloadedIsKept() throws Exception {
        String neons = "{\"version\":2,\"stripe_size\":2048,\"offloaded_timelines\":["
                + "{\"timeline_id\":\"000102030405060708090a0b0c0d0e0f\",\"ancestor_timeline_id\":null,"
                + "\"ancestor_retain_lsn\":null,\"archived_at\":\"2026-11-21T01:02:03\"}]";
        objects.put(
                new ObjectKey(TENANT + "tenant-manifest-00000033.json"),
                ObjectSource.of((neons + "}").getBytes(StandardCharsets.UTF_8)),
                PutCondition.ALWAYS,
                CONTEXT);
        life(tenant -> tenant.create(ID, new Lsn(0x1000), 17, CONTEXT));
        life(tenant -> assertThat(tenant.all()).hasSize(1));
        byte[] ours = objects.read(new ObjectKey(TENANT + "tenant-manifest-00000035.json"), 10_000, CONTEXT)
                .bytes();
        assertThat(new String(ours, StandardCharsets.UTF_8))
                .contains(neons.substring(1))
                .contains("\"" + ID + "\":{\"generation\":52}");
    }

    @Test
    void aManifestThatIsDamagedIsNotPassedOver() throws Exception {
        life(tenant -> tenant.create(ID, new Lsn(0x1000), 17, CONTEXT));
        life(tenant -> note(tenant.timeline(ID), "second"));
        objects.delete(new ObjectKey(TENANT + "tenant-manifest-00000002.json"), CONTEXT);
        objects.put(
                new ObjectKey(TENANT + "tenant-manifest-00000002.json"),
                ObjectSource.of("{\"version\":2,\"offloaded_timelines\":[],\"palimpsest\":{\"owner\":\"x\"}}"
                        .getBytes(StandardCharsets.UTF_8)),
                PutCondition.ALWAYS,
                CONTEXT);
        life(tenant -> assertThat(tenant.all()).hasSize(1)); // the one before the claim counts
        objects.delete(new ObjectKey(TENANT + "tenant-manifest-00000003.json"), CONTEXT);
        objects.delete(new ObjectKey(TENANT + "tenant-manifest-00000002.json"), CONTEXT);
        objects.delete(new ObjectKey(TENANT + "tenant-manifest-00000001.json"), CONTEXT);
        objects.put(
                new ObjectKey(TENANT + "tenant-manifest-00000001.json"),
                ObjectSource.of("{\"version\":2,".getBytes(StandardCharsets.UTF_8)),
                PutCondition.ALWAYS,
                CONTEXT);
        simulation.run(() -> assertThatThrownBy(this::load)
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("tenant-manifest-00000001.json"));
    }

    @Test
    void anIdThatWasDeletedIsNotUsedAgainInTheSameLife() throws Exception {
        life(tenant -> {
            tenant.create(ID, new Lsn(0x1000), 17, CONTEXT);
            tenant.delete(ID, CONTEXT);
            assertThatThrownBy(() -> tenant.create(ID, new Lsn(0x1000), 17, CONTEXT))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("was deleted");
        });
        life(tenant -> tenant.create(ID, new Lsn(0x1000), 17, CONTEXT));
        life(tenant -> assertThat(tenant.all()).hasSize(1));
    }
}
