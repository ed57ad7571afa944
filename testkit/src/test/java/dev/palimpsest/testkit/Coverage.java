package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordType;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * What became of each type of record when the WAL of a server was read and its changes to pages were redone.
 *
 * @param release the server's version, {@code 17.11}
 * @param version the major version
 * @param types all types that occurred, by name
 */
record Coverage(String release, PostgresVersion version, Map<String, Counts> types) {
    /**
     * Counts of one type.
     *
     * @param records how many there were
     * @param blocks the pages they refer to
     * @param applied the pages that redo changed or restored
     * @param compared the pages that were compared with PostgreSQL's
     */
    record Counts(long records, long blocks, long applied, long compared) {
        /** What has been shown of the type. */
        Proof proof() {
            if (blocks == 0) {
                return Proof.DECODED;
            }
            return compared > 0 ? Proof.COMPARED : applied > 0 ? Proof.RESTORED : Proof.NOT_REDONE;
        }
    }

    /** What can be shown of a type. */
    enum Proof {
        /** It did not occur. */
        NONE,
        /** It refers to pages, but redo did nothing to them. */
        NOT_REDONE,
        /** It refers to no page, and was decoded. */
        DECODED,
        /** Its pages always come as images, which redo restored. */
        RESTORED,
        /** Its pages were compared after redo. */
        COMPARED
    }

    /** So many records of a type are put into words. */
    private static final int DESCRIBED = 20;

    /** Runs a workload's server's WAL through redo, which must have no trouble with any record. */
    static Coverage of(RecordingServer server, HintLogging hintLogging) throws Exception {
        PostgresVersion version = PostgresVersion.ofMajor(server.server().major());
        Map<String, long[]> seen = new LinkedHashMap<>();
        try (ConsistencyReplay replay = new ConsistencyReplay(hintLogging)) {
            server.read(server.flush(), record -> {
                String type = RecordTypes.nameOf(record);
                assertThat(RecordTypes.typeOf(record)).as(type).isNotNull();
                long[] counts = seen.computeIfAbsent(type, name -> new long[2]);
                counts[1] += record.blockCount();
                if (counts[0]++ < DESCRIBED) {
                    assertThat(RecordDescriber.describe(record))
                            .as(type)
                            .isNotNull()
                            .doesNotContain("bytes of main data");
                }
                replay.apply(record);
            });
            RecordingServer.assertNoFaults(replay);
            Map<String, Counts> types = new LinkedHashMap<>();
            for (RecordType type : RecordTypes.of(version).all()) {
                long[] counts = seen.get(type.toString());
                if (counts != null) {
                    ConsistencyReplay.Counts replayed = RecordingServer.counts(replay, type.toString());
                    types.put(
                            type.toString(), new Counts(counts[0], counts[1], replayed.applied(), replayed.compared()));
                }
            }
            return new Coverage(server.one("SHOW server_version"), version, types);
        }
    }

    /** What has been shown of a type, by name. */
    Proof proof(String type) {
        Counts counts = types.get(type);
        return counts == null ? Proof.NONE : counts.proof();
    }

    /** The types of this version of which so much has been shown and not more. */
    TreeSet<String> with(Proof proof) {
        TreeSet<String> names = new TreeSet<>();
        for (RecordType type : RecordTypes.of(version).all()) {
            if (proof(type.toString()) == proof) {
                names.add(type.toString());
            }
        }
        return names;
    }
}
