package dev.palimpsest.pageserver.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.redo.PostgresRedo;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.DenseClusterKeys;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.CompactionReport;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.L0Planner;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.gc.GarbageCollection;
import dev.palimpsest.storage.gc.GcInputs;
import dev.palimpsest.storage.gc.GcReport;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineImport;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A timeline that takes in the directory of a stopped server, and its WAL as it grows. */
final class OfflineCluster implements AutoCloseable {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.INGEST);

    private final Path data;
    private final PostgresVersion version;
    private final PostgresRedo redo = new PostgresRedo();
    private final EmbeddedStore store;
    private final TenantTimelines tenant;
    final Timeline timeline;
    private Lsn position;

    OfflineCluster(Path data, int major, Path storeDirectory) throws Exception {
        this.data = data;
        this.version = PostgresVersion.ofMajor(major);
        this.store = EmbeddedStore.open(
                storeDirectory, StoreSettings.DEFAULT, redo, new DenseClusterKeys(), new PrometheusRegistry());
        this.tenant = store.tenant(TenantId.parse("0123456789abcdef0123456789abcdef"), CONTEXT);
        ControlFile control = ControlFile.parse(Files.readAllBytes(data.resolve(ControlFile.PATH)));
        this.position = control.checkPointLocation();
        this.timeline = tenant.create(TimelineId.parse("00000000000000000000000000000001"), position, major, CONTEXT);
        try (TimelineImport into = timeline.beginImport(position, 128 << 20)) {
            ClusterImport cluster = new ClusterImport(into, version, CONTEXT);
            List<Path> files;
            try (Stream<Path> walk = Files.walk(data)) {
                files = walk.filter(Files::isRegularFile).toList();
            }
            for (Path file : files) {
                String path = data.relativize(file).toString();
                if (!path.startsWith("pg_wal/")) {
                    try (InputStream in = Files.newInputStream(file)) {
                        cluster.<IOException>file(0, path, Files.size(file), in::readNBytes);
                    }
                }
            }
            cluster.finish();
        }
    }

    ClusterReader reader() {
        return new ClusterReader(timeline, timeline.lastRecordLsn(), CONTEXT);
    }

    /** Takes in all WAL that the stopped server has written. */
    StopReason catchUp() throws Exception {
        ControlFile control = ControlFile.parse(reader().controlFile());
        int segmentSize = control.walSegmentSize();
        WalInterpreter interpreter = new WalInterpreter(
                version,
                reader().checkPoint(),
                new ClusterSettings(
                        control.dataChecksumVersion() != 0, control.walLogHints(), control.trackCommitTimestamp()));
        ClusterWriter writer = new ClusterWriter(timeline, new RelationLengths(timeline), CONTEXT);
        InterpretedBatch batch = new InterpretedBatch();
        WalStreamDecoder decoder = new WalStreamDecoder(version, segmentSize, -1, position);
        byte[] chunk = new byte[100_000];
        while (true) {
            Lsn at = decoder.feedPosition();
            Path file =
                    data.resolve("pg_wal").resolve(new WalSegment(1, at.value() / segmentSize, segmentSize).fileName());
            if (!Files.exists(file)) {
                break;
            }
            try (InputStream in = Files.newInputStream(file)) {
                in.skipNBytes(at.value() % segmentSize);
                int length = in.readNBytes(chunk, 0, chunk.length);
                decoder.feed(chunk, 0, length);
            }
            while (decoder.next()) {
                if (WalInterpreter.isBarrier(decoder.record())) {
                    writer.apply(batch);
                    batch.clear();
                }
                interpreter.interpret(decoder.record(), batch);
                if (batch.isFull() || WalInterpreter.isBarrier(decoder.record())) {
                    writer.apply(batch);
                    batch.clear();
                }
            }
            if (decoder.stopped() != null) {
                break;
            }
        }
        writer.apply(batch);
        position = decoder.endOfLastRecord();
        return decoder.finish();
    }

    /** Makes L1 layers, images of everything dense, and drops all history but the newest version. */
    GcReport compact() throws StorageException {
        CompactionSettings settings = new CompactionSettings(1, 1L << 30, 4 << 20, 1, 4, new BlobCompression.Zstd(1));
        timeline.freezeAndFlush(CONTEXT);
        CompactionReport merged = timeline.upkeep().compactL0(settings, L0Planner.Trigger.THRESHOLD, CONTEXT);
        assertThat(merged.outcome()).isEqualTo(CompactionReport.Outcome.DONE);
        CompactionReport images = timeline.upkeep().createImages(settings, () -> false, CONTEXT);
        assertThat(images.layersWritten()).isPositive();
        return tenant.collectGarbage(
                timeline.id(), GcInputs.keepFrom(timeline.lastRecordLsn()), GarbageCollection.Mode.REMOVE, CONTEXT);
    }

    @Override
    public void close() throws StorageException {
        store.close();
        redo.close();
    }
}
