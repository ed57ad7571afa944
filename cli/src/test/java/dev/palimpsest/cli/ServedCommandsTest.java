package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BrokenJob;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.http.FakeBranches;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that ask a server, over real HTTP, with branches that are made up. */
class ServedCommandsTest {
    private record Result(int code, String out, String err) {}

    @TempDir
    private Path directory;

    private final FakeBranches branches = new FakeBranches().withProd();
    private final HttpApi api = new HttpApi(branches, "127.0.0.1", 0);

    @BeforeEach
    void start() throws IOException {
        api.start();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private Result run(String... words) {
        List<String> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--server", "http://127.0.0.1:" + api.port()));
        return runAsIs(all);
    }

    private static Result runAsIs(List<String> words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                Palimpsest.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int code = command.execute(words.toArray(new String[0]));
        return new Result(code, out.toString(), err.toString());
    }

    private static AttachProgress progress(String step, long received, boolean done, @Nullable String failure) {
        return new AttachProgress(
                "new",
                step,
                received,
                1000,
                received / 10,
                new Lsn(0x2000028),
                done ? new Lsn(0x2000100) : null,
                done ? new Lsn(0x2000200) : null,
                List.of("full_page_writes is off"),
                done,
                failure);
    }

    @Test
    void attachWaitsUntilTheBranchIsReady() {
        branches.attachAnswers(
                "new",
                progress("making slot s", 0, false, null),
                progress("taking the base backup", 570, false, null),
                progress("ready", 1000, true, null));
        Result result = run("attach", "host=db user=rep", "--name", "new", "--slot", "s");
        assertThat(result.code).isZero();
        assertThat(branches.calls).containsExactly("attach new to host=db user=rep by s");
        assertThat(result.err).isEqualToNormalizingNewlines("""
                        palimpsest: warning: full_page_writes is off
                        making slot s
                        taking the base backup
                        570 B of 1000 B, 57 %
                        """);
        assertThat(result.out)
                .isEqualToNormalizingNewlines("new is ready: base backup from 0/2000028 to 0/2000100, 1000 B in 100"
                        + " pages; following, now at 0/2000200\n");
    }

    @Test
    void attachTellsEverythingThatIsInTheWay() {
        Result result = run("attach", "host=db", "--name", "new");
        assertThat(result.code).isEqualTo(1);
        assertThat(result.out).isEmpty();
        assertThat(result.err)
                .isEqualToNormalizingNewlines("palimpsest: wal_level is minimal\nthe user may not replicate\n");
        branches.attachAnswers("new", progress("x", 10, true, "attaching failed while connecting: no route to host"));
        assertThat(run("attach", "host=db", "--name", "new").err)
                .contains("palimpsest: attaching failed while connecting: no route to host");
        assertThat(run("attach", "host=db", "--name", "prod").err).contains("there is a branch prod already");
        assertThat(run("attach", "host=db").code).isEqualTo(2);
    }

    @Test
    void aTerminalGetsABar() {
        StringWriter drawn = new StringWriter();
        AttachDisplay display = new AttachDisplay(new PrintWriter(drawn), true);
        display.show(progress("connecting", 0, false, null));
        display.show(progress("taking the base backup", 500, false, null));
        display.show(progress("taking the base backup", 2000, false, null));
        display.end();
        assertThat(drawn.toString())
                .isEqualTo("\r\u001b[Kconnecting"
                        + "\r\u001b[K[###############---------------] 50 %  500 B of 1000 B  taking the base backup"
                        + "\r\u001b[K[##############################] 100 %  2.0 kB of 1000 B  taking the base backup"
                        + "\r\u001b[K");
    }

    @Test
    void statusShowsBranchesAndEndpoints() throws BranchException {
        branches.create("fix", "prod", new Moment.AtLsn(new Lsn(0x3000)));
        branches.startEndpoint("fix", 5433, null);
        Result result = run("status");
        assertThat(result.code).isZero();
        assertThat(result.out).isEqualToNormalizingNewlines("""
                        BRANCH  PG  STATE      LAST LSN  DURABLE  BEHIND        LAYERS  SIZE   SOURCE
                        fix     17  ready      0/3000    0/3000   -             0       0 B    branch of prod from 0/3000
                        prod    17  streaming  0/8123    0/7000   291 B, 1.5 s  3       12 MB  host=db user=rep

                        ENDPOINT  PG  STATE    PORT  PID   BOOTED AT  DIRECTORY
                        fix       17  running  5433  4711  0/8123     /srv/endpoints/fix
                        """);
        JsonNode json = JsonMapper.shared().readTree(run("status", "--json").out);
        assertThat(json.get("branches").size()).isEqualTo(2);
        assertThat(json.get("branches").get(1).get("follow").get("source_end").asString())
                .isEqualTo("0/8246");
        assertThat(json.get("endpoints").get(0).get("pid").asInt()).isEqualTo(4711);
    }

    @Test
    void anEmptyServerSaysHowToBegin() throws BranchException {
        branches.delete("prod");
        assertThat(run("status").out).contains("Begin with: palimpsest attach");
    }

    @Test
    void branchesAreMadeFromAnyMoment() {
        ZoneId zone = ZoneId.systemDefault();
        String local =
                FakeBranches.EPOCH.plusSeconds(3).atZone(zone).toLocalDateTime().toString();
        assertThat(run("branch", "create", "a", "--from", "prod", "--at", "0/3000").out)
                .isEqualToNormalizingNewlines("branch a was made from prod at 0/3000\n");
        assertThat(run("branch", "create", "b", "--from", "prod", "--at", local).out)
                .contains("at 0/4FF8");
        assertThat(run("branch", "create", "c", "--from", "prod", "--at", "2026-11-20 10:00:03+00").out)
                .contains("at 0/4FF8");
        assertThat(run("branch", "create", "d", "--from", "prod").out).contains("at 0/8123");
        assertThat(run("branch", "create", "a", "--from", "prod"))
                .isEqualTo(new Result(1, "", "palimpsest: there is a branch a already" + System.lineSeparator()));
        assertThat(run("branch", "create", "e", "--from", "none").err).contains("there is no branch none");
        assertThat(run("branch", "create", "e", "--from", "prod", "--at", "0/1000").err)
                .contains("0/1000 is not in the history");
        Result wrong = run("branch", "create", "e", "--from", "prod", "--at", "tomorrow");
        assertThat(wrong.code).isEqualTo(2);
        assertThat(wrong.err).contains("'tomorrow' is neither an LSN");
    }

    @Test
    void branchesAreListedShownAndDeleted() throws BranchException {
        branches.create("fix", "prod", new Moment.AtLsn(new Lsn(0x3000)));
        assertThat(run("branch", "list").out)
                .contains("fix     prod  0/3000  " + local(FakeBranches.EPOCH.plusSeconds(100)) + "  17  ready");
        assertThat(run("branch", "show", "prod").out)
                .contains(
                        "readable     0/2000 to 0/8123",
                        "durable to   0/7000, in layer files to 0/7800",
                        "layers       3, 12 MB, 2.2 MB of it on the local disk",
                        "downloads    1, and 2 waiting: 488 kB of 2.9 MB",
                        "  in memory  1, 100 B",
                        "  L1         3, 4.0 kB",
                        "  to upload  1 layer, 1.0 kB",
                        "read depth   2.5 layers on average, 4 at most (from the layer map, for 9 keys)",
                        "kept         pitr_interval 7 d, gc_horizon 64 MB",
                        "next GC      keeps from 0/5000 on: by pitr_interval, 7 d",
                        "left at      0/3000 by other branches",
                        "leased       0/4000 until ",
                        "received     0/8123 of 0/8246",
                        "behind       291 B, 1.5 s");
        assertThat(run("branch", "show", "fix").out).contains("comes from   prod at 0/3000");
        assertThat(run("branch", "delete", "prod").err).contains("fix came from prod");
        branches.left = List.of("slot s stays");
        Result deleted = run("branch", "delete", "fix");
        assertThat(deleted.code).isZero();
        assertThat(deleted.out).contains("branch fix was deleted");
        assertThat(deleted.err).contains("warning: slot s stays");
        assertThat(run("branch").code).isEqualTo(2);
    }

    private static String local(Instant time) {
        OffsetDateTime there = time.atZone(ZoneId.systemDefault()).toOffsetDateTime();
        return there.toLocalDate() + " " + there.toLocalTime().withNano(0)
                + (there.getSecond() == 0 ? ":00" : "") + ".000"
                + (there.getOffset().getTotalSeconds() == 0
                        ? "+00:00"
                        : there.getOffset().getId());
    }

    @Test
    void lsnsAndTimesAreFoundFromEachOther() {
        assertThat(run("lsn", "prod", "2026-11-20T10:00:03Z").out).isEqualToNormalizingNewlines("0/4FF8\n");
        assertThat(run("lsn", "prod", "0/4FF8").out)
                .isEqualToNormalizingNewlines(local(FakeBranches.EPOCH.plusSeconds(3)) + "\n");
        assertThat(run("lsn", "prod", "latest").out).isEqualToNormalizingNewlines("0/8123\n");
        assertThat(run("lsn", "prod", "0/2000").err).contains("no commit up to 0/2000 is known");
    }

    @Test
    void branchesAreDetachedArchivedAndTakenBack() throws BranchException {
        branches.create("fix", "prod", Moment.LATEST);
        branches.create("dev", "prod", Moment.LATEST);
        assertThat(run("branch", "archive", "prod").err).contains("follows host=db");
        assertThat(run("branch", "archive", "dev").out).contains("branch dev is archived");
        assertThat(run("branch", "list").out).containsPattern("dev +prod .* archived");
        assertThat(run("status").out).containsPattern("dev +17 +archived");
        assertThat(run("branch", "unarchive", "dev").out).contains("branch dev is there again, from 0/8123 to 0/8123");
        assertThat(run("branch", "detach", "fix").out)
                .contains("branch fix is independent", "these are branches of it: dev");
        assertThat(run("branch", "detach", "prod").err).contains("no ancestor");
        branches.left = List.of("slot s stays");
        Result archived = run("branch", "archive", "prod", "--force");
        assertThat(archived.code).isZero();
        assertThat(archived.err).contains("warning: slot s stays");
    }

    @Test
    void flushSaysWhatIsDurable() {
        assertThat(run("flush", "prod").out)
                .isEqualToNormalizingNewlines("branch prod is durable up to 0/8123: 4.0 kB of values in 1 layer written"
                        + " and uploaded, 4.3 kB of WAL, in 0.1 s\n");
        assertThat(branches.calls).containsExactly("flush prod");
    }

    @Test
    void gcAndCompactionSayInNumbersWhatTheyDid() {
        assertThat(run("gc", "prod", "--dry-run", "--pitr-interval", "12h", "--horizon", "1GB").out)
                .isEqualToNormalizingNewlines("""
                        history is kept from 0/5000 on: by pitr_interval, 12 h
                        3 of 8 layers would be removed, 3.0 MB of 8.0 MB, in 1.5 s
                        4 layers kept: within pitr_interval
                        1 layer kept: no newer image layers cover them
                        """);
        assertThat(run("gc", "prod").out).contains("3 of 8 layers removed").contains("by pitr_interval, 7 d");
        assertThat(run("gc", "prod", "--pitr-interval", "soon").code).isEqualTo(2);
        assertThat(run("compact", "prod", "--images", "--force").out).isEqualToNormalizingNewlines("""
                        10 L0 layers read, 10 MB; 4 delta layers written, 9.0 MB
                        2 image layers written, 1.0 MB
                        branch prod is compacted, in 0.2 s
                        """);
        assertThat(run("compact", "prod").out).doesNotContain("image");
        assertThat(run("compact", "none").err).contains("there is no branch none");
        assertThat(branches.calls)
                .containsExactly(
                        "gc prod keeping PT12H, 1073741824, dry",
                        "gc prod keeping null, null",
                        "compact prod images force",
                        "compact prod");
    }

    @Test
    void aBranchKeepsWhatIsSaid() {
        assertThat(run("branch", "retain", "prod", "--pitr-interval", "2h").out)
                .isEqualToNormalizingNewlines("branch prod keeps pitr_interval 7 d, gc_horizon 64 MB\n");
        assertThat(run("branch", "retain", "prod", "--gc-horizon", "0").code).isZero();
        assertThat(run("branch", "retain", "prod", "--default").code).isZero();
        assertThat(run("branch", "retain", "prod").code).isEqualTo(2);
        assertThat(run("branch", "retain", "prod", "--default", "--gc-horizon", "0").code)
                .isEqualTo(2);
        assertThat(branches.calls)
                .containsExactly("retain prod: PT2H, null", "retain prod: null, 0", "retain prod as the server");
    }

    @Test
    void whatKeepsFailingIsShown() throws BranchException {
        branches.delete("prod");
        branches.brokenJobs = List.of(new BrokenJob("compaction", 7, "disk full"));
        branches.withProd();
        String line = "compaction keeps failing, 7 times in a row: disk full";
        assertThat(run("status").out).contains("prod: " + line);
        assertThat(run("branch", "show", "prod").out).contains("broken       " + line);
    }

    @Test
    void endpointsAreStartedListedAndStopped() throws BranchException {
        branches.create("fix", "prod", Moment.LATEST);
        assertThat(run("endpoint", "start", "fix").out).contains("PostgreSQL 17 runs on branch fix", "port=54321");
        run("endpoint", "start", "fix", "--port", "5433", "--pg-bin", directory.toString());
        assertThat(branches.calls).contains("start fix on port 5433 with " + directory);
        assertThat(run("endpoint", "list").out).contains("5433");
        assertThat(run("endpoint", "stop", "fix").out).contains("the endpoint of branch fix has stopped");
        assertThat(run("endpoint", "stop", "fix").err).contains("branch fix has no endpoint");
        assertThat(run("endpoint", "start", "prod").err).contains("branch prod follows");
    }

    @Test
    void aDirectoryIsRestored() throws IOException {
        byte[] large = new byte[1_000_003];
        new SplittableRandom(3).nextBytes(large);
        branches.files.put("base/16384", large);
        branches.files.put("global/1262", new byte[8192]);
        branches.files.put("PG_VERSION", "17\n".getBytes(StandardCharsets.UTF_8));
        Path target = directory.resolve("deep/data");
        Result result = run("restore", "prod", target.toString(), "--at", "0/3000");
        assertThat(result.err.lines())
                .as("progress")
                .hasSizeGreaterThan(2)
                .allMatch(line -> line.matches("[\\d.]+ [kM]B of 1.0 MB, \\d+ %, .*/s|making it durable"));
        assertThat(result.code).isZero();
        assertThat(result.out)
                .contains(
                        "branch prod as of 0/3000 is in " + target + ": 4 files, 985 kB", "start it with: ", "pg_ctl");
        assertThat(target.resolve("base/16384")).hasBinaryContent(large);
        assertThat(target.resolve("global/pg_control")).hasContent("control at 0/3000");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target.resolve("base"))))
                .isEqualTo("rwx------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target.resolve("PG_VERSION"))))
                .isEqualTo("rw-------");
        Result again = run("restore", "prod", target.toString());
        assertThat(again.code).isEqualTo(1);
        assertThat(again.err).contains(target.toString(), "not empty");
        assertThat(target.resolve("base/16384")).hasBinaryContent(large);
    }

    @Test
    void aRestoreThatFailsLeavesNothing() {
        branches.files.put("base/16384", new byte[3_000_000]);
        branches.failAfterFiles = new BranchException(BranchException.Kind.FAILED, "layer x is damaged");
        Path target = directory.resolve("data");
        Result late = run("restore", "prod", target.toString());
        assertThat(late.code).isEqualTo(1);
        assertThat(late.err).doesNotContain("bug");
        assertThat(target).doesNotExist();
        branches.files.clear();
        assertThat(late.out).isEmpty();
        assertThat(run("restore", "prod", target.toString()).err)
                .isEqualToNormalizingNewlines("palimpsest: layer x is damaged\n");
        assertThat(target).doesNotExist();
    }

    @Test
    void aPageIsDecoded() throws Exception {
        Page page = Page.wrap(branches.page);
        page.initialize(0);
        page.setLsn(0x4FF8);
        page.setLower(24 + 12);
        page.setUpper(8192 - 32);
        page.setLinePointer(1, LinePointer.of(8192 - 32, LinePointer.NORMAL, 30));
        page.setLinePointer(2, LinePointer.redirect(1));
        page.setLinePointer(3, LinePointer.dead());
        int tuple = 8192 - 32;
        HeapTuple.setXmin(page, tuple, 740);
        HeapTuple.setCtid(page, tuple, 7, 1);
        HeapTuple.setInfomask(page, tuple, HeapTuple.XMIN_COMMITTED | HeapTuple.XMAX_INVALID);
        HeapTuple.setInfomask2(page, tuple, HeapTuple.ONLY_TUPLE | 2);
        Result result = run("page", "prod", "base/5/16384", "7", "--at", "0/5000");
        assertThat(result.err).isEmpty();
        assertThat(result.out).isEqualToNormalizingNewlines("""
                        block 7 of base/5/16384, branch prod as of 0/5000
                        pd_lsn       0/4FF8
                        pd_checksum  0x0000
                        pd_flags     0x0000
                        pd_lower     36, upper 8160, special 8192: 8124 bytes free
                        pd_prune_xid 0
                        page of a heap, 3 line pointers
                        LP  STATE          OFFSET  LENGTH  XMIN  XMAX  CTID   ATTRS  FLAGS
                        1   normal         8160    30      740   0     (7,1)  2      xmin committed, no xmax, heap only
                        2   redirect to 1  1       0
                        3   dead           0       0
                        """);
        assertThat(branches.calls).containsExactly("page base/5/16384 7 at 0/5000");
    }

    @Test
    void anyBytesAreShownAsAPage() {
        for (int seed = 0; seed < 50; seed++) {
            new SplittableRandom(seed).nextBytes(branches.page);
            for (String relation : List.of("1663/5/16384", "1663/5/16384_vm", "1663/5/16384_fsm")) {
                assertThat(run("page", "prod", relation, "0").code)
                        .as("seed %d", seed)
                        .isZero();
            }
        }
        Arrays.fill(branches.page, (byte) 0);
        assertThat(run("page", "prod", "1663/5/16384", "0").out).contains("nobody has initialised this page");
    }

    @Test
    void aPageIsShownRawAndWithItsHistory() {
        branches.page[0] = 'P';
        branches.page[8191] = (byte) 0xFF;
        assertThat(run("page", "prod", "1663/5/16384", "0", "--raw").out.lines())
                .containsExactly(
                        "block 0 of 1663/5/16384, branch prod as of 0/8123",
                        "0000  50 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |P...............|",
                        "*",
                        "1ff0  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 ff  |................|");
        assertThat(run("page", "prod", "1663/5/16384", "0", "--history").out.lines())
                .containsExactly(
                        "block 0 of 1663/5/16384, branch prod up to 0/8123",
                        "LSN     BYTES  PAGE    WHAT",
                        "0/8123  61     change  Heap/INSERT: xid 740, off 3",
                        "0/2000  8192   whole   image");
        assertThat(run("page", "prod", "1663/5/16384", "-1").code).isNotZero();
    }

    @Test
    void verifySaysWhatDiffers() {
        Result equal = run("verify", "prod", "--against", directory.toString(), "--standby");
        assertThat(equal.code).isZero();
        assertThat(equal.out).contains("3,456 pages of 12 relations compared, all equal");
        branches.differences = List.of("block 3 of 1663/5/16384: byte 40");
        Result differs = run("verify", "prod", "--against", directory.toString());
        assertThat(differs.code).isEqualTo(1);
        assertThat(differs.out).contains("block 3 of 1663/5/16384: byte 40", "1 differences");
        assertThat(branches.calls)
                .containsExactly(
                        "verify prod against " + directory + " of a STANDBY",
                        "verify prod against " + directory + " of a PRIMARY");
    }

    @Test
    void aServerRunsUntilItIsInterrupted() throws Exception {
        PipedReader lines = new PipedReader();
        PipedWriter out = new PipedWriter(lines);
        List<Integer> codes = new ArrayList<>();
        Thread server = Thread.ofPlatform()
                .start(() -> codes.add(Palimpsest.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .execute(
                                "server",
                                "--dir",
                                directory.resolve("d").toString(),
                                "--listen",
                                "127.0.0.1:0",
                                "--pages",
                                "127.0.0.1:0")));
        String ready = new BufferedReader(lines).readLine();
        Matcher address = Pattern.compile("palimpsest: ready at (http://127\\.0\\.0\\.1:\\d+), data in .*")
                .matcher(ready);
        assertThat(address.matches()).as(ready).isTrue();
        assertThat(runAsIs(List.of("status", "--server", address.group(1))).out).contains("Nothing is attached yet");
        Result second =
                runAsIs(List.of("server", "--dir", directory.resolve("d").toString()));
        assertThat(second.code).isEqualTo(1);
        assertThat(second.err)
                .contains("belongs to the server with process ID "
                        + ProcessHandle.current().pid());
        server.interrupt();
        server.join();
        assertThat(codes).containsExactly(0);
        assertThat(runAsIs(List.of("status", "--server", address.group(1))).code)
                .isEqualTo(1);
        assertThat(runAsIs(List.of("server", "--dir", "d", "--listen", "9898")).err)
                .contains("--listen: listen_http_addr wants HOST:PORT");
    }

    @Test
    void aServerLetsLayersGoOnlyWhereTheyAreKeptElsewhere() {
        assertThat(runAsIs(List.of("server", "--dir", "d", "--max-disk", "1GB")).err)
                .contains("--max-disk: ", "is of use with --storage or remote_storage only");
        assertThat(runAsIs(List.of("server", "--dir", "d", "--min-free", "1GB")).err)
                .contains("--min-free: ", "is of use with --storage or remote_storage only");
        Result result = runAsIs(List.of("server", "--dir", "d", "--storage", "s", "--max-disk", "much"));
        assertThat(result.code).isEqualTo(2);
        assertThat(result.err).contains("wants a number of bytes, such as \"64MiB\", not \"much\"");
    }

    @Test
    void withoutAServerItSaysHowToStartOne() {
        api.close();
        Result result = runAsIs(List.of("status", "--server", "http://127.0.0.1:1"));
        assertThat(result)
                .isEqualTo(new Result(
                        1,
                        "",
                        "palimpsest: there is no server at http://127.0.0.1:1; start one with: palimpsest server --dir DIR"
                                + System.lineSeparator()));
        assertThat(runAsIs(List.of("status", "--server", "nonsense")).err)
                .contains("'nonsense' is not the address of a server");
    }
}
