package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.WalRecord;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Redo of WAL as it is under settings that change its form. */
class WalMatrixTest {
    /** Where Debian puts a server that can compress with lz4 and zstd, which the ones in the testkit cannot. */
    private static final PostgresBinaries DEBIANS = new PostgresBinaries(15, Path.of("/usr/lib/postgresql/15"));

    private static final List<String> RESOURCES = List.of("heap", "hash", "brin", "sequence", "generic");

    /**
     * Settings of a cluster.
     *
     * @param segmentSize in MiB
     */
    record Settings(int major, ImageCompression compression, boolean checksums, String walLevel, int segmentSize) {
        private PostgresBinaries binaries() {
            if (compression != ImageCompression.LZ4 && compression != ImageCompression.ZSTD) {
                return PostgresBinaries.of(major);
            }
            assumeTrue(
                    Files.isExecutable(DEBIANS.program("postgres")),
                    () -> "no PostgreSQL 15 with " + compression + " in " + DEBIANS.home());
            return DEBIANS;
        }

        private PostgresServer.Builder builder() {
            PostgresServer.Builder builder = PostgresServer.of(binaries())
                    .setting("wal_level", walLevel)
                    .setting("wal_compression", setting())
                    .initdbOption("--wal-segsize=" + segmentSize);
            if (checksums) {
                builder.initdbOption("--data-checksums");
            } else if (major >= 18) {
                builder.initdbOption("--no-data-checksums");
            }
            return builder;
        }

        private String setting() {
            return switch (compression) {
                case NONE -> "off";
                case PGLZ -> "on";
                case LZ4, ZSTD -> compression.name().toLowerCase(Locale.ROOT);
            };
        }
    }

    static Stream<Settings> some() {
        return Stream.of(
                new Settings(14, ImageCompression.PGLZ, true, "replica", 1),
                new Settings(15, ImageCompression.NONE, false, "logical", 64),
                new Settings(15, ImageCompression.LZ4, true, "logical", 1),
                new Settings(15, ImageCompression.ZSTD, false, "replica", 64),
                new Settings(16, ImageCompression.PGLZ, false, "replica", 64),
                new Settings(17, ImageCompression.PGLZ, true, "logical", 1),
                new Settings(18, ImageCompression.NONE, false, "replica", 1));
    }

    static Stream<Settings> all() {
        List<Settings> all = new ArrayList<>();
        for (int major : PostgresBinaries.MAJORS) {
            for (ImageCompression compression : ImageCompression.values()) {
                boolean builtIn = compression == ImageCompression.NONE || compression == ImageCompression.PGLZ;
                if (builtIn || major == DEBIANS.major()) {
                    for (boolean checksums : List.of(false, true)) {
                        for (String level : List.of("replica", "logical")) {
                            all.add(new Settings(major, compression, checksums, level, 1));
                            all.add(new Settings(major, compression, checksums, level, 64));
                        }
                    }
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("some")
    void isRedone(Settings settings) throws Exception {
        redo(settings);
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("all")
    void isRedoneInEveryCombination(Settings settings) throws Exception {
        redo(settings);
    }

    private static void redo(Settings settings) throws Exception {
        HintLogging hintLogging = settings.checksums() ? HintLogging.ON : HintLogging.OFF;
        Map<ImageCompression, Integer> images = new EnumMap<>(ImageCompression.class);
        try (RecordingServer server = RecordingServer.start(settings.builder());
                ConsistencyReplay replay = new ConsistencyReplay(hintLogging)) {
            assertThat(server.one("SHOW wal_segment_size")).isEqualTo(settings.segmentSize() + "MB");
            assertThat(server.one("SHOW data_checksums")).isEqualTo(settings.checksums() ? "on" : "off");
            for (String resource : RESOURCES) {
                Workload.run(server, resource);
            }
            Workload.run(server, "hint");
            server.read(server.flush(), record -> {
                replay.apply(record);
                countImages(record, images);
            });
            RecordingServer.assertCompared(
                    replay, List.of("Heap/INSERT", "Heap/UPDATE", "Btree/INSERT_LEAF", "Generic/Generic"));
            assertThat(replay.counts().containsKey("XLOG/FPI_FOR_HINT")).isEqualTo(settings.checksums());
        }
        if (settings.compression() == ImageCompression.NONE) {
            assertThat(images).containsOnlyKeys(ImageCompression.NONE);
        } else {
            assertThat(images).containsOnlyKeys(ImageCompression.NONE, settings.compression());
            assertThat(images)
                    .hasEntrySatisfying(
                            settings.compression(), n -> assertThat(n).isGreaterThan(1000));
        }
    }

    private static void countImages(WalRecord record, Map<ImageCompression, Integer> images) {
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id) && record.hasImage(id)) {
                images.merge(record.imageCompression(id), 1, Integer::sum);
            }
        }
    }
}
