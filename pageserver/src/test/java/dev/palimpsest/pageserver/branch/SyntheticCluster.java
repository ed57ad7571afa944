package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.ingest.ClusterImport;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineImport;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.zip.CRC32C;

/** A cluster that no PostgreSQL ever had: one relation of one page, which holds a number. */
final class SyntheticCluster {
    static final TenantId TENANT = TenantId.parse("0123456789abcdef0123456789abcdef");
    static final Lsn BEGIN = new Lsn(0x1000000);
    static final Key PAGE = new RelTag(1663, 5, 16384, RelTag.MAIN).blockKey(0);

    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.INGEST);
    private static final PostgresVersion VERSION = PostgresVersion.V17;
    private static final int SIZE = 8192;
    private static final int NUMBER_AT = 100;

    private SyntheticCluster() {}

    /** Makes it a branch that follows nothing, and whose page holds 0 at {@link #BEGIN}. */
    static void create(EmbeddedStore store, String name) throws Exception {
        TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
        BranchRecord record = BranchRecord.branched(name, Instant.EPOCH, BEGIN, 1);
        Timeline timeline = tenant.create(
                TimelineId.parse("00000000000000000000000000000001"),
                BEGIN,
                VERSION.major(),
                IndexPart.State.NONE
                        .withRelSizeMigration(IndexPart.RelSizeMigration.MIGRATED)
                        .withExtension(record.encode()),
                CONTEXT);
        try (TimelineImport into = timeline.beginImport(BEGIN, 1 << 20)) {
            ClusterImport cluster = new ClusterImport(into, VERSION, CONTEXT);
            file(cluster, ControlFile.PATH, controlFile());
            file(cluster, "base/5/16384", page(0));
            cluster.finish();
        }
    }

    private static void file(ClusterImport cluster, String path, byte[] content) throws Exception {
        ByteArrayInputStream in = new ByteArrayInputStream(content);
        cluster.<IOException>file(0, path, content.length, in::readNBytes);
    }

    /** Little of it is set: what is checked, and the timeline of the checkpoint. */
    private static byte[] controlFile() {
        ByteBuffer file = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(0, 4711);
        file.putInt(8, VERSION.controlVersion());
        file.putInt(12, VERSION.catalogVersion());
        file.putLong(40, BEGIN.value());
        file.putInt(48, 1);
        file.putInt(52, 1);
        file.putInt(228, 16 << 20);
        CRC32C checksum = new CRC32C();
        checksum.update(file.array(), 0, 288);
        file.putInt(288, (int) checksum.getValue());
        return file.array();
    }

    private static byte[] page(long number) {
        byte[] page = new byte[SIZE];
        ByteBuffer.wrap(page).putLong(NUMBER_AT, number);
        return page;
    }

    /** What a page holds. */
    static long number(byte[] page) {
        return ByteBuffer.wrap(page).getLong(NUMBER_AT);
    }

    /** Has the page of a branch hold another number from an LSN on. */
    static void write(EmbeddedStore store, String timeline, Lsn lsn, long number) throws Exception {
        SerializedBatch.Builder values = new SerializedBatch.Builder();
        values.put(PAGE, lsn, new Value.Image(page(number)));
        try (TimelineWriter writer = store.tenant(TENANT, CONTEXT)
                .timeline(TimelineId.parse(timeline))
                .writer(CONTEXT)) {
            writer.put(values.build());
            writer.finish(lsn);
        }
    }
}
