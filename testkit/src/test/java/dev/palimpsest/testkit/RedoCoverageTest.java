package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every type of record that PostgreSQL can write is written, decoded and redone, on the newest and one of the first minor
 * releases of each major version, and {@code docs/redo-coverage.md} says so. With {@code -Dpalimpsest.coverage.write=true}
 * the long suite writes that document.
 */
class RedoCoverageTest {
    private static final boolean WRITE = Boolean.getBoolean("palimpsest.coverage.write");

    /** What takes a million transactions. */
    private static final Set<String> ONLY_IN_LONG_RUNS = Set.of("CLOG/TRUNCATE");

    /** Types of which no record can be had in any version, and why. */
    private static final Map<String, String> NEVER = new TreeMap<>(Map.of(
            "XLOG/NOOP",
            "the server never writes one; extensions may, and redo of it is nothing",
            "Heap/HOT_UPDATE+INIT",
            "the new version of a row is only HOT on the page of the old one, which is then not a new page"));

    /** The same for certain releases. */
    private static final Map<String, Map<String, String>> NEVER_IN =
            Map.of("14.0", Map.of("XLOG/OVERWRITE_CONTRECORD", "14.0 does not know it yet; it came with 14.1"));

    /** Types whose records always have an image of each page, for redo to take. */
    private static final Set<String> ALWAYS_IMAGES =
            Set.of("XLOG/FPI", "XLOG/FPI_FOR_HINT", "Gin/VACUUM_PAGE", "Hash/SPLIT_PAGE");

    private static final List<Coverage> WRITTEN = new ArrayList<>();

    static Stream<Named<PostgresBinaries>> releases() {
        return Stream.concat(
                PostgresBinaries.MAJORS.stream().map(m -> Named.of(m + ", newest", PostgresBinaries.of(m))),
                PostgresBinaries.MAJORS.stream().map(m -> Named.of(m + ", early", PostgresBinaries.earlyOf(m))));
    }

    @ParameterizedTest
    @MethodSource("releases")
    void everyTypeIsRedoneAsPostgresDoesIt(PostgresBinaries binaries) throws Exception {
        assumeFalse(WRITE, "the long run writes the document");
        Coverage coverage = cover(binaries, Workload.SOME_TRANSACTIONS);
        assertComplete(coverage, ONLY_IN_LONG_RUNS);
        Map<String, Coverage.Proof> shown = CoverageDocument.shown(coverage, ONLY_IN_LONG_RUNS);
        Map<String, Coverage.Proof> said = new TreeMap<>(CoverageDocument.read().shown(coverage.release()));
        coverage.with(Coverage.Proof.NOT_REDONE).forEach(type -> {
            shown.remove(type);
            said.remove(type);
        });
        assertThat(said)
                .as("what docs/redo-coverage.md says of %s", coverage.release())
                .isEqualTo(shown);
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("releases")
    void soAreTheOnesThatTakeAMillionTransactions(PostgresBinaries binaries) throws Exception {
        Coverage coverage = cover(binaries, Workload.A_SEGMENT_OF_TRANSACTIONS);
        assertComplete(coverage, Set.of());
        if (WRITE) {
            WRITTEN.add(coverage);
        }
    }

    @AfterAll
    static void write() throws Exception {
        if (WRITE) {
            CoverageDocument.write(WRITTEN, RedoCoverageTest::reason);
        }
    }

    private static Coverage cover(PostgresBinaries binaries, int transactions) throws Exception {
        try (RecordingServer server = RecordingServer.start(Workload.settings(PostgresServer.of(binaries)))) {
            Workload.runAll(server, transactions);
            return Coverage.of(server, HintLogging.ON);
        }
    }

    /** What is not covered has a reason, and what has a reason is not covered. */
    private static void assertComplete(Coverage coverage, Set<String> notYet) {
        TreeSet<String> expected = new TreeSet<>(NEVER.keySet());
        expected.addAll(NEVER_IN.getOrDefault(coverage.release(), Map.of()).keySet());
        expected.addAll(notYet);
        assertThat(coverage.with(Coverage.Proof.NONE))
                .as("types of PostgreSQL %s that were not covered", coverage.release())
                .isEqualTo(expected);
        assertThat(coverage.with(Coverage.Proof.NOT_REDONE))
                .as("types of PostgreSQL %s that were not redone", coverage.release())
                .allSatisfy(type -> assertThat(PageRedo.supports(manager(coverage, type)))
                        .as(type)
                        .isFalse());
        TreeSet<String> restored = coverage.with(Coverage.Proof.RESTORED);
        restored.removeIf(type -> !PageRedo.supports(manager(coverage, type)));
        assertThat(restored)
                .as("types of PostgreSQL %s that were not compared", coverage.release())
                .containsAll(List.of("XLOG/FPI", "XLOG/FPI_FOR_HINT"))
                .isSubsetOf(ALWAYS_IMAGES);
    }

    private static int manager(Coverage coverage, String type) {
        return RecordTypes.of(coverage.version()).all().stream()
                .filter(t -> t.toString().equals(type))
                .findFirst()
                .orElseThrow()
                .manager()
                .id();
    }

    private static String reason(String release, String type) {
        String here = NEVER_IN.getOrDefault(release, Map.of()).get(type);
        String anywhere = NEVER.get(type);
        return here != null ? here : anywhere != null ? anywhere : "";
    }
}
