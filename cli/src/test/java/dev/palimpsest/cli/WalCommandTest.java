package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class WalCommandTest {
    private static final PostgresVersion VERSION = PostgresVersion.V16;
    private static final int MIB = 1 << 20;
    private static final long FIRST = 5L * MIB;
    private static final int XLOG = 0;
    private static final int HEAP = 10;
    private static final int GENERIC = 20;
    private static final RelFileNode TABLE = new RelFileNode(1663, 5, 16384);

    private record Result(int code, String out, String err) {
        private JsonNode json() {
            return JsonMapper.shared().readTree(out);
        }

        private List<String> lines() {
            return out.lines().toList();
        }
    }

    /** What was written. */
    private record Written(long start, long end, int manager, int info, int xid, int block, int length, int image) {}

    @TempDir
    private Path directory;

    private final List<Written> written = new ArrayList<>();

    private static Result run(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                Palimpsest.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        List<String> words = new ArrayList<>(List.of("wal"));
        Arrays.stream(arguments).map(String::valueOf).forEach(words::add);
        int code = command.execute(words.toArray(new String[0]));
        return new Result(code, out.toString(), err.toString());
    }

    private void append(WalBuilder wal, int manager, int info, int xid, int block, int mainLength, boolean image) {
        RecordBuilder builder =
                new RecordBuilder(VERSION, manager, info).xid(xid).main(new byte[mainLength]);
        int imageLength = 0;
        if (block >= 0) {
            builder.block(0, TABLE, block).data((byte) 1, (byte) 2);
            if (image) {
                Page page = new Page();
                page.initialize(0);
                page.setLower(100);
                builder.image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE);
                imageLength = 100;
            }
        }
        byte[] record = builder.build();
        long start = wal.append(record);
        written.add(new Written(start, wal.position(), manager, info, xid, block, record.length, imageLength));
    }

    /** Some thousand records of three types, over a little more than {@code segments} segments. */
    private WalBuilder someWal(int timeline, int segments) {
        WalBuilder wal = new WalBuilder(VERSION, MIB, timeline, FIRST);
        SplittableRandom random = new SplittableRandom(7);
        while (wal.position() < FIRST + (long) segments * MIB + 5000) {
            boolean image = random.nextInt(3) == 0;
            switch (random.nextInt(3)) {
                case 0 -> append(wal, HEAP, 0x00, 700 + random.nextInt(3), random.nextInt(4), 3, image);
                case 1 -> append(wal, HEAP, 0x80, 700, 9, random.nextInt(200), false);
                default -> append(wal, 1, 0x00, 700 + random.nextInt(3), -1, 8 + random.nextInt(20_000), false);
            }
        }
        return wal;
    }

    private static WalSegment segment(int timeline, long lsn) {
        return WalSegment.containing(new Lsn(lsn), timeline, MIB);
    }

    /** Writes segments of full size, as the server does: zeros after the end. */
    private List<Path> write(WalBuilder wal, int timeline) throws IOException {
        List<Path> files = new ArrayList<>();
        byte[] bytes = wal.bytes();
        for (int at = 0; at < bytes.length; at += MIB) {
            byte[] whole = Arrays.copyOf(Arrays.copyOfRange(bytes, at, Math.min(at + MIB, bytes.length)), MIB);
            Path file = directory.resolve(segment(timeline, FIRST + at).fileName());
            files.add(Files.write(file, whole));
        }
        return files;
    }

    private void assertStat(Result result, Predicate<Written> chosen) {
        List<Written> expected = written.stream().filter(chosen).toList();
        JsonNode json = result.json();
        assertThat(json.get("records").asLong()).isEqualTo(expected.size());
        assertThat(json.get("bytes").asLong())
                .isEqualTo(expected.stream().mapToLong(Written::length).sum());
        assertThat(json.get("fpiBytes").asLong())
                .isEqualTo(expected.stream().mapToLong(Written::image).sum());
        assertThat(json.get("recordBytes").asLong() + json.get("fpiBytes").asLong())
                .isEqualTo(json.get("bytes").asLong());
        for (JsonNode type : json.get("types")) {
            String name = type.get("rmgr").asString() + "/" + type.get("type").asString();
            List<Written> ofType =
                    expected.stream().filter(w -> nameOf(w).equals(name)).toList();
            assertThat(ofType).as(name).isNotEmpty();
            assertThat(type.get("records").asLong()).as(name).isEqualTo(ofType.size());
            assertThat(type.get("bytes").asLong())
                    .as(name)
                    .isEqualTo(ofType.stream().mapToLong(Written::length).sum());
            assertThat(type.get("fpiBytes").asLong())
                    .as(name)
                    .isEqualTo(ofType.stream().mapToLong(Written::image).sum());
        }
        assertThat(json.get("types").size())
                .isEqualTo(
                        expected.stream().map(WalCommandTest::nameOf).distinct().count());
    }

    private static String nameOf(Written record) {
        return record.manager == 1 ? "Transaction/COMMIT" : record.info == 0 ? "Heap/INSERT" : "Heap/INSERT+INIT";
    }

    @Test
    void statCountsWhatWasWritten() throws IOException {
        write(someWal(1, 3), 1);
        Result result = run("stat", directory, "--json");
        assertThat(result.code).as(result.err).isZero();
        assertStat(result, w -> true);
        assertThat(result.json().get("version").asInt()).isEqualTo(16);
        assertThat(result.json().get("segmentSize").asInt()).isEqualTo(MIB);
        assertThat(result.json().get("end").asString()).isEqualTo(new Lsn(written.getLast().end).toString());
    }

    @Test
    void statPrintsATable() throws IOException {
        WalBuilder wal = new WalBuilder(VERSION, MIB, 1, FIRST);
        append(wal, HEAP, 0x00, 700, 1, 3, true);
        append(wal, HEAP, 0x00, 700, 1, 3, false);
        append(wal, 1, 0x00, 700, -1, 8, false);
        append(wal, 1, 0x80, 700, -1, 8, false);
        write(wal, 1);
        Result result = run("stat", directory);
        assertThat(result.code).isZero();
        assertThat(rowOf(result, "Heap/INSERT")).startsWith("Heap/INSERT", "2").contains("100");
        assertThat(result.out)
                .contains("Transaction/COMMIT                              2 ( 50.00)              68")
                .containsPattern("Total +4 \\(100.00\\)")
                .contains("there is no record at " + new Lsn(wal.position()));
        assertThat(result.lines()).hasSize(6);
    }

    @Test
    void startAndEndChooseWholeRecords() throws IOException {
        write(someWal(1, 2), 1);
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 40; i++) {
            Written one = written.get(random.nextInt(written.size()));
            Written other = written.get(random.nextInt(written.size()));
            long start = Math.min(one.start, other.start) + random.nextInt(3) * 8L;
            long end = Math.max(one.end, other.end) - random.nextInt(2) * 8L;
            Result result = run("stat", directory, "--json", "--start", new Lsn(start), "--end", new Lsn(end));
            assertThat(result.code).as("%d: %s", i, result.err).isZero();
            assertStat(result, w -> w.start >= start && w.end <= end);
        }
    }

    @Test
    void anEndThatIsNotReachedIsAnError() throws IOException {
        WalBuilder wal = someWal(1, 1);
        write(wal, 1);
        assertThat(run("stat", directory, "--end", new Lsn(wal.position())).code)
                .isZero();
        Result result = run("stat", directory, "--end", new Lsn(wal.position() + 8));
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err).contains("before the end asked for, " + new Lsn(wal.position() + 8));
        result = run("stat", directory, "--start", new Lsn(FIRST - 8));
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err).contains("000000010000000000000004").contains("there is WAL from 0/500000 to 0/700000");
    }

    @Test
    void aSegmentIsReadAloneAndPartial() throws IOException {
        List<Path> files = write(someWal(1, 2), 1);
        Path second = files.get(1);
        Predicate<Written> inSecond = w -> w.start >= FIRST + MIB && w.end <= FIRST + 2 * MIB;
        Result result = run("stat", second, "--json");
        assertThat(result.code).as(result.err).isZero();
        assertStat(result, inSecond);
        Path partial = Files.move(second, Path.of(second + ".partial"));
        assertStat(run("stat", partial, "--json"), inSecond);
        assertStat(run("stat", directory, "--json"), w -> true);
        Files.write(second, Files.readAllBytes(partial));
        Files.write(partial, new byte[100]);
        assertStat(run("stat", directory, "--json"), w -> true);
    }

    @Test
    void theNewestTimelineIsReadUnlessToldOtherwise() throws IOException {
        write(someWal(2, 1), 2);
        List<Written> second = List.copyOf(written);
        written.clear();
        WalBuilder tenth = new WalBuilder(VERSION, MIB, 0x10, FIRST);
        append(tenth, HEAP, 0, 700, 1, 3, false);
        write(tenth, 0x10);
        Result result = run("stat", directory, "--json");
        assertStat(result, w -> true);
        assertThat(result.json().get("timeline").asInt()).isEqualTo(16);
        written.clear();
        written.addAll(second);
        assertStat(run("stat", directory, "--json", "--timeline", 2), w -> true);
        result = run("stat", directory, "--timeline", 3);
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err).contains("no WAL segments of timeline 3");
    }

    @Test
    void aGapIsDamageButSegmentsKeptForLaterAreNot() throws IOException {
        List<Path> files = write(someWal(1, 3), 1);
        Files.write(directory.resolve(segment(1, FIRST + 20L * MIB).fileName()), Files.readAllBytes(files.getFirst()));
        Files.write(directory.resolve(segment(1, FIRST + 21L * MIB).fileName()), new byte[MIB]);
        assertThat(run("stat", directory).code).isZero();
        Files.delete(files.get(1));
        Result result = run("stat", directory);
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err)
                .contains("but the WAL goes on in segment " + files.get(2).getFileName());
    }

    @Test
    void aDamagedRecordInTheMiddleIsDamage() throws IOException {
        List<Path> files = write(someWal(1, 3), 1);
        Written hit = written.stream()
                .filter(w -> w.manager == HEAP && w.start > FIRST + MIB + 5000)
                .findFirst()
                .orElseThrow();
        byte[] bytes = Files.readAllBytes(files.get(1));
        bytes[(int) (hit.start - FIRST - MIB) + 30] ^= 1;
        Files.write(files.get(1), bytes);
        Result result = run("stat", directory, "--json");
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err)
                .contains("the record at " + new Lsn(hit.start) + " has the checksum")
                .contains("goes on in segment " + files.get(2).getFileName());
        assertStat(result, w -> w.start < hit.start);
        assertThat(result.json().get("damaged").asBoolean()).isTrue();
    }

    @Test
    void aPageOfAnotherVersionIsDamageWhereverItIs() throws IOException {
        List<Path> files = write(someWal(1, 3), 1);
        Path last = files.getLast();
        for (int magic : new int[] {PostgresVersion.V15.walMagic(), 0x1234}) {
            byte[] bytes = Files.readAllBytes(last);
            LittleEndian.putU16(bytes, 0, magic);
            Files.write(last, bytes);
            Result result = run("stat", directory);
            assertThat(result.code).isEqualTo(1);
            assertThat(result.err)
                    .contains("in segment " + last.getFileName() + " has the magic number")
                    .contains("PostgreSQL 16 was expected");
        }
    }

    @Test
    void whatIsNoWalIsNamed() throws IOException {
        assertThat(run("stat", directory).err).contains("there are no WAL segments in " + directory);
        Path other = Files.write(directory.resolve("000000010000000000000005"), new byte[] {0x01, (byte) 0xD1, 2, 0});
        Result result = run("stat", directory);
        assertThat(result.code).isEqualTo(1);
        assertThat(result.err).contains(other.toString()).contains("D101").contains("no version from 14 to 18");
        Path named = Files.write(directory.resolve("wal"), new byte[MIB]);
        assertThat(run("stat", named).err).contains("nor named as a WAL segment");
        assertThat(run("stat", directory, "--start", "x/y").code).isEqualTo(2);
        assertThat(run("stat", directory, "--timeline", "-1").code).isEqualTo(2);
    }

    private List<String> dumped(Object... arguments) {
        List<Object> all = new ArrayList<>(List.of("dump", directory));
        all.addAll(List.of(arguments));
        Result result = run(all.toArray());
        assertThat(result.code).as(result.err).isZero();
        return result.lines().stream().map(line -> line.split(" ")[0]).toList();
    }

    private List<String> starts(Predicate<Written> chosen) {
        return written.stream()
                .filter(chosen)
                .map(w -> new Lsn(w.start).toString())
                .toList();
    }

    /** A pipe whose reader goes away at once; counts what is written to it nevertheless. */
    private static final class ClosedPipe extends Writer {
        private long refused;

        @Override
        public void write(char[] characters, int offset, int length) throws IOException {
            refused += length;
            throw new IOException("Broken pipe");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @Test
    void dumpEndsWhenNobodyReadsIt() throws IOException {
        WalBuilder wal = new WalBuilder(VERSION, MIB, 1, FIRST);
        for (int i = 0; i < 30_000; i++) {
            append(wal, HEAP, 0x00, 700, i, 3, false);
        }
        write(wal, 1);
        assertThat(run("dump", directory).out.length()).isGreaterThan(2_000_000);
        ClosedPipe pipe = new ClosedPipe();
        int code = Palimpsest.commandLine().setOut(new PrintWriter(pipe)).execute("wal", "dump", directory.toString());
        assertThat(code).isEqualTo(1);
        assertThat(pipe.refused).isBetween(1L, 500_000L);
    }

    @Test
    void dumpPrintsTheRecordsAskedFor() throws IOException {
        write(someWal(1, 1), 1);
        assertThat(dumped()).isEqualTo(starts(w -> true));
        assertThat(dumped("--rmgr", "heap")).isEqualTo(starts(w -> w.manager == HEAP));
        assertThat(dumped("--rmgr", "heap", "--rmgr", "Transaction")).isEqualTo(starts(w -> true));
        assertThat(dumped("--xid", 701)).isNotEmpty().isEqualTo(starts(w -> w.xid == 701));
        assertThat(dumped("--relation", TABLE)).isEqualTo(starts(w -> w.block >= 0));
        assertThat(dumped("--relation", "1663/5/16385")).isEmpty();
        assertThat(dumped("--relation", TABLE, "--block", 2)).isNotEmpty().isEqualTo(starts(w -> w.block == 2));
        assertThat(dumped("--relation", TABLE, "--block", 2, "--xid", 702))
                .isNotEmpty()
                .isEqualTo(starts(w -> w.block == 2 && w.xid == 702));
        assertThat(dumped("--limit", 5)).isEqualTo(starts(w -> true).subList(0, 5));
        assertThat(dumped("--limit", 0)).isEmpty();
        assertThat(run("dump", directory, "--block", 2).err).contains("--block needs --relation");
        assertThat(run("dump", directory, "--rmgr", "none").err).contains("no resource manager \"none\"");
        assertThat(run("dump", directory, "--relation", "1/2").code).isEqualTo(2);
    }

    @Test
    void aLineSaysWhatTheRecordIs() throws IOException {
        WalBuilder wal = new WalBuilder(VERSION, MIB, 1, FIRST);
        append(wal, HEAP, 0x00, 700, 1, 3, true);
        append(wal, XLOG, 0x30, 0, -1, 2, false);
        write(wal, 1);
        Result result = run("dump", directory);
        assertThat(result.lines().get(0))
                .contains("0/500028", "Heap/INSERT", "xid 700", "blkref #0: rel 1663/5/16384 blk 1 FPW (100 bytes");
        assertThat(result.lines().get(1)).contains("XLOG/NEXTOID", "malformed");
        assertThat(result.code).isEqualTo(1);
    }

    /** A page, and changes to it of a byte each, with the page after the change that is said to be right. */
    private WalBuilder checkedWal(int... changes) throws Exception {
        WalBuilder wal = new WalBuilder(VERSION, MIB, 1, FIRST);
        Page page = new Page();
        page.initialize(0);
        page.setLower(100);
        wal.append(new RecordBuilder(VERSION, XLOG, 0xB0)
                .block(0, TABLE, 4)
                .image(page, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE));
        for (int change : changes) {
            page.putU8(60, change);
            wal.append(new RecordBuilder(VERSION, GENERIC, WalRecord.CHECK_CONSISTENCY)
                    .block(0, TABLE, 4)
                    .data((byte) 60, (byte) 0, (byte) 1, (byte) 0, (byte) (change & 0x7F))
                    .image(page, RecordBuilder.ImageUse.COMPARE, ImageCompression.LZ4));
        }
        return wal;
    }

    private static String[] rowOf(Result result, String type) {
        return result.lines().stream()
                .filter(line -> line.startsWith(type + " "))
                .findFirst()
                .orElseThrow()
                .split("\\s+");
    }

    @Test
    void verifyComparesEveryPage() throws Exception {
        write(checkedWal(1, 2, 3), 1);
        Result result = run("verify", directory);
        assertThat(result.code).as(result.out + result.err).isZero();
        assertThat(rowOf(result, "Generic/Generic")).containsExactly("Generic/Generic", "3", "3", "3", "0", "0", "0");
        assertThat(rowOf(result, "XLOG/FPI")).containsExactly("XLOG/FPI", "1", "1", "0", "0", "0", "0");
        assertThat(rowOf(result, "Total")).containsExactly("Total", "4", "4", "3", "0", "0", "0");
        assertThat(result.err).isEmpty();
    }

    @Test
    void verifyShowsWhatDiffers() throws Exception {
        write(checkedWal(1, 0x82, 3, 0x84), 1);
        Result result = run("verify", directory);
        assertThat(result.code).isEqualTo(1);
        assertThat(rowOf(result, "Generic/Generic")).containsExactly("Generic/Generic", "4", "4", "4", "0", "2", "0");
        assertThat(result.out)
                .contains("1663/5/16384 main block 4 (block reference 0): bytes 60 to 60 differ")
                .contains("PostgreSQL has 82, redo gave 02")
                .contains("PostgreSQL has 84, redo gave 04");
        Result brief = run("verify", directory, "--details", 1);
        assertThat(brief.code).isEqualTo(1);
        assertThat(brief.out).contains("redo gave 02").doesNotContain("redo gave 04");
    }

    @Test
    void verifySaysIfThereWasNothingToCompare() throws Exception {
        write(checkedWal(), 1);
        Result result = run("verify", directory);
        assertThat(result.code).isZero();
        assertThat(result.err).contains("nothing could be compared");
    }
}
