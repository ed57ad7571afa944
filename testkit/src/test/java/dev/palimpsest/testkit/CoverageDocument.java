package dev.palimpsest.testkit;

import dev.palimpsest.postgres.rmgr.RecordType;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * {@code docs/redo-coverage.md}: tables with a row for each type of record and a column for each release. Numbers are
 * rounded down to 1, 2 or 5 and zeros, so that the document stays as it is from one run to the next.
 */
final class CoverageDocument {
    private static final String NOTHING = "–";
    private static final String SEPARATOR = " / ";

    private static final String INTRODUCTION = """
        # What redo covers

        Real servers write every type of record that PostgreSQL has, with `wal_consistency_checking = all`: after each
        record stands what its pages became. Palimpsest reads that WAL, decodes every record, applies it to the pages
        it has, from nothing, and compares each page with PostgreSQL's, under PostgreSQL's own masks.

        A number each for the records that were decoded, the pages that redo changed or restored, and the pages that
        were compared, rounded down to 1, 2 or 5 and zeros. Two numbers: the type always brings an image of each page,
        which redo takes, so that there is nothing to compare. One number: the type refers to no page. `–`: there was
        no such record, for the reason below. Nothing: the release has no such type.

        **There is no mismatch**, in no type and no release, nor a record that cannot be applied: the test fails with the
        first one, and when a type has neither a number nor a reason.

        | | command |
        |---|---|
        | check it | `./build mvn -pl testkit -am verify -Dtest=RedoCoverageTest -Dsurefire.failIfNoSpecifiedTests=false` |
        | write it | the same with `-Plong -Dtest.jvm.options=-Dpalimpsest.coverage.write=true` |

        The workload is in `testkit/src/test`: `Workload` and the SQL beside it.
        """;

    private final Map<String, Map<String, Coverage.Proof>> shown;

    private CoverageDocument(Map<String, Map<String, Coverage.Proof>> shown) {
        this.shown = shown;
    }

    private static Path path() {
        Path here = Path.of("").toAbsolutePath();
        Path root = Files.isDirectory(here.resolve("docs")) ? here : Objects.requireNonNull(here.getParent());
        return root.resolve("docs/redo-coverage.md");
    }

    static CoverageDocument read() throws IOException {
        Map<String, Map<String, Coverage.Proof>> shown = new HashMap<>();
        List<String> releases = List.of();
        for (String line : Files.readAllLines(path())) {
            if (line.startsWith("| type |")) {
                releases = cells(line);
            } else if (!line.startsWith("|")) {
                releases = List.of();
            } else if (!line.startsWith("|---")) {
                List<String> cells = cells(line);
                for (int i = 1; i < releases.size(); i++) {
                    if (!cells.get(i).isEmpty()) {
                        shown.computeIfAbsent(releases.get(i), release -> new TreeMap<>())
                                .put(cells.get(0), proof(cells.get(i)));
                    }
                }
            }
        }
        return new CoverageDocument(shown);
    }

    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        for (String cell : line.substring(1, line.length() - 1).split("\\|", -1)) {
            cells.add(cell.strip());
        }
        return cells;
    }

    private static Coverage.Proof proof(String cell) {
        if (cell.equals(NOTHING)) {
            return Coverage.Proof.NONE;
        }
        return switch (cell.split(SEPARATOR).length) {
            case 1 -> Coverage.Proof.DECODED;
            case 2 -> Coverage.Proof.RESTORED;
            default -> Coverage.Proof.COMPARED;
        };
    }

    /** What it says of a release, by type; empty if it does not know that release. */
    Map<String, Coverage.Proof> shown(String release) {
        return shown.getOrDefault(release, Map.of());
    }

    /**
     * What it would have to say.
     *
     * @param covered types that are taken to be covered by decoding a record, though they are not here
     */
    static Map<String, Coverage.Proof> shown(Coverage coverage, Set<String> covered) {
        Map<String, Coverage.Proof> shown = new TreeMap<>();
        for (RecordType type : RecordTypes.of(coverage.version()).all()) {
            String name = type.toString();
            shown.put(name, covered.contains(name) ? Coverage.Proof.DECODED : coverage.proof(name));
        }
        return shown;
    }

    /**
     * Writes the document.
     *
     * @param coverages of the releases, in the order of the columns: the newest ones, then the early ones
     * @param reason why a release has no record of a type
     */
    static void write(List<Coverage> coverages, BiFunction<String, String, String> reason) throws IOException {
        StringBuilder text = new StringBuilder(INTRODUCTION);
        appendSums(coverages, text);
        int half = coverages.size() / 2;
        text.append("\n## The newest minor releases\n");
        appendTypes(coverages.subList(0, half), text);
        text.append("\n## Early minor releases\n");
        appendTypes(coverages.subList(half, coverages.size()), text);
        text.append("\n## Types of which there is no record\n");
        appendReasons(coverages, reason, text);
        Files.writeString(path(), text);
    }

    private static void appendSums(List<Coverage> coverages, StringBuilder text) {
        text.append("\n| release | types | covered | records | pages applied | pages compared | mismatches |\n")
                .append("|---|--:|--:|--:|--:|--:|--:|\n");
        for (Coverage coverage : coverages) {
            int types = RecordTypes.of(coverage.version()).all().size();
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %d | %s | %s | %s | 0 |%n",
                    coverage.release(),
                    types,
                    types - coverage.with(Coverage.Proof.NONE).size(),
                    sum(coverage, Coverage.Counts::records),
                    sum(coverage, Coverage.Counts::applied),
                    sum(coverage, Coverage.Counts::compared)));
        }
    }

    private static String sum(Coverage coverage, Function<Coverage.Counts, Long> number) {
        return rounded(
                coverage.types().values().stream().mapToLong(number::apply).sum());
    }

    private static void appendTypes(List<Coverage> coverages, StringBuilder text) {
        text.append("\n| type |");
        coverages.forEach(
                coverage -> text.append(' ').append(coverage.release()).append(" |"));
        text.append("\n|---|").append("--:|".repeat(coverages.size())).append('\n');
        for (String type : types(coverages)) {
            text.append("| ").append(type).append(" |");
            for (Coverage coverage : coverages) {
                text.append(' ').append(cell(coverage, type)).append(" |");
            }
            text.append('\n');
        }
    }

    /** Of all versions, by resource manager and code. */
    private static Set<String> types(List<Coverage> coverages) {
        List<RecordType> types = new ArrayList<>();
        coverages.forEach(
                coverage -> types.addAll(RecordTypes.of(coverage.version()).all()));
        types.sort(Comparator.comparingInt((RecordType type) -> type.manager().id())
                .thenComparingInt(RecordType::code));
        Set<String> names = new LinkedHashSet<>();
        types.forEach(type -> names.add(type.toString()));
        return names;
    }

    private static String cell(Coverage coverage, String type) {
        if (RecordTypes.of(coverage.version()).all().stream()
                .noneMatch(t -> t.toString().equals(type))) {
            return "";
        }
        Coverage.Counts counts = coverage.types().get(type);
        if (counts == null) {
            return NOTHING;
        }
        return switch (counts.proof()) {
            case NONE, NOT_REDONE -> NOTHING;
            case DECODED -> rounded(counts.records());
            case RESTORED -> rounded(counts.records()) + SEPARATOR + rounded(counts.applied());
            case COMPARED ->
                rounded(counts.records())
                        + SEPARATOR
                        + rounded(counts.applied())
                        + SEPARATOR
                        + rounded(counts.compared());
        };
    }

    private static String rounded(long number) {
        long power = 1;
        while (number >= power * 10) {
            power *= 10;
        }
        long digit = number / power;
        return String.format(Locale.ROOT, "%,d", (digit >= 5 ? 5 : digit >= 2 ? 2 : digit) * power);
    }

    private static void appendReasons(
            List<Coverage> coverages, BiFunction<String, String, String> reason, StringBuilder text) {
        SortedMap<String, List<String>> releases = new TreeMap<>();
        for (Coverage coverage : coverages) {
            for (String type : coverage.with(Coverage.Proof.NONE)) {
                releases.computeIfAbsent(
                                type + " | " + reason.apply(coverage.release(), type), row -> new ArrayList<>())
                        .add(coverage.release());
            }
        }
        text.append("\n| what | why | where |\n|---|---|---|\n");
        releases.forEach((row, where) -> text.append("| ")
                .append(row)
                .append(" | ")
                .append(where.size() == coverages.size() ? "everywhere" : String.join(", ", where))
                .append(" |\n"));
    }
}
