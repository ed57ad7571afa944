package dev.palimpsest.pageserver.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.HistoryView;
import dev.palimpsest.postgres.Lsn;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class HttpApiTest {
    private static final String BRANCHES = "/palimpsest/v1/branch";
    private static final String TENANT = "/v1/tenant/" + FakeBranches.TENANT;
    private static final String TIMELINE = TENANT + "/timeline/" + FakeBranches.TIMELINE;
    private static final String NEW_ID = "0123456789abcdef0123456789abcdef";

    private final FakeBranches branches = new FakeBranches().withProd();
    private final HttpApi api = new HttpApi(branches, "127.0.0.1", 0);
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private record Answer(int status, HttpResponse<byte[]> response) {
        JsonNode json() {
            return ApiJson.mapper().readTree(response.body());
        }

        String message() {
            return json().get("msg").asString();
        }
    }

    @BeforeEach
    void start() throws IOException {
        api.start();
    }

    @AfterEach
    void stop() {
        client.close();
        api.close();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
    }

    private Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<byte[]> response = client.send(request.build(), BodyHandlers.ofByteArray());
        return new Answer(response.statusCode(), response);
    }

    private Answer send(String method, String path) throws IOException, InterruptedException {
        return send(request(path).method(method, BodyPublishers.noBody()));
    }

    private Answer get(String path) throws IOException, InterruptedException {
        return send("GET", path);
    }

    private Answer post(String path, String body) throws IOException, InterruptedException {
        return send(request(path).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)));
    }

    @Test
    void branchesAreListedAsTheyAre() throws Exception {
        Answer answer = get(BRANCHES);
        assertThat(answer.status()).isEqualTo(200);
        JsonNode prod = answer.json().get("branches").get(0);
        assertThat(prod.get("last_record_lsn").asString()).isEqualTo("0/8123");
        assertThat(prod.get("phase").asString()).isEqualTo("ready");
        assertThat(prod.get("created").asString()).isEqualTo("2026-11-20T10:00:00Z");
        assertThat(prod.get("follow").get("phase").asString()).isEqualTo("streaming");
        assertThat(ApiJson.mapper()
                        .readValue(answer.response().body(), Responses.Branches.class)
                        .branches())
                .isEqualTo(branches.list());
    }

    @Test
    void aBranchIsMadeFromATimeShownAndDeleted() throws Exception {
        Answer made = post(BRANCHES, "{\"name\": \"fix\", \"from\": \"prod\", \"at\": \"2026-11-20 10:00:04+00\"}");
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.json().get("branched_at").asString()).isEqualTo("0/5FF8");
        assertThat(ApiJson.mapper().readValue(get(BRANCHES + "/fix").response().body(), BranchView.class))
                .isEqualTo(branches.view("fix"));
        assertThat(send("DELETE", BRANCHES + "/prod").status()).isEqualTo(409);
        branches.left = List.of("the slot stays");
        Answer deleted = send("DELETE", BRANCHES + "/fix");
        assertThat(deleted.json().get("left").get(0).asString()).isEqualTo("the slot stays");
        assertThat(get(BRANCHES + "/fix").status()).isEqualTo(404);
    }

    @Test
    void branchesAreDetachedArchivedAndTakenBack() throws Exception {
        post(BRANCHES, "{\"name\": \"fix\", \"from\": \"prod\"}");
        post(BRANCHES, "{\"name\": \"dev\", \"from\": \"prod\"}");
        assertThat(send("PUT", BRANCHES + "/prod/archive").status()).isEqualTo(409);
        assertThat(send("PUT", BRANCHES + "/dev/archive").status()).isEqualTo(200);
        BranchView dev = branches.view("dev");
        assertThat(dev.phase()).isEqualTo(BranchView.Phase.ARCHIVED);
        String tenant = "/v1/tenant/" + dev.tenant();
        String timeline = tenant + "/timeline/" + dev.timeline();
        JsonNode all = get(tenant + "/timeline_and_offloaded").json();
        assertThat(all.get("timelines")).hasSize(2);
        assertThat(all.get("offloaded").get(0).get("timeline_id").asString()).isEqualTo(dev.timeline());
        assertThat(all.get("offloaded").get(0).get("archived_at").asString()).startsWith("2026-");
        assertThat(get(timeline).status()).isEqualTo(404);
        assertThat(send("PUT", timeline + "/offload").status()).isEqualTo(200);
        assertThat(putJson(timeline + "/archival_config", "{\"state\": \"Unarchived\"}")
                        .status())
                .isEqualTo(200);
        assertThat(branches.view("dev").phase()).isEqualTo(BranchView.Phase.READY);
        assertThat(send("PUT", timeline + "/offload").status()).isEqualTo(412);
        assertThat(putJson(timeline + "/archival_config", "{\"state\": \"Gone\"}")
                        .status())
                .isEqualTo(400);
        String prod = tenant + "/timeline/" + branches.view("prod").timeline();
        assertThat(putJson(prod + "/archival_config", "{\"state\": \"Archived\"}")
                        .status())
                .isEqualTo(412);
        assertThat(send("PUT", prod + "/detach_ancestor").status()).isEqualTo(400);
        String fix = branches.view("fix").timeline();
        JsonNode detached =
                send("PUT", tenant + "/timeline/" + fix + "/detach_ancestor").json();
        assertThat(detached.get("reparented_timelines").get(0).asString()).isEqualTo(dev.timeline());
        assertThat(send("PUT", BRANCHES + "/dev/detach").json().get("moved").isEmpty())
                .isTrue();
        assertThat(send("PUT", BRANCHES + "/prod/archive?force=true").status()).isEqualTo(200);
        assertThat(send("PUT", BRANCHES + "/prod/unarchive").json().get("phase").asString())
                .isEqualTo("ready");
    }

    private Answer putJson(String path, String body) throws IOException, InterruptedException {
        return send(request(path).header("Content-Type", "application/json").PUT(BodyPublishers.ofString(body)));
    }

    @Test
    void positionsGoBothWays() throws Exception {
        JsonNode byTime =
                get(BRANCHES + "/prod/position?at=2026-11-20T10:00:03Z").json();
        assertThat(byTime.get("lsn").asString()).isEqualTo("0/4FF8");
        assertThat(byTime.get("last_commit").asString()).isEqualTo("2026-11-20T10:00:03Z");
        assertThat(get(BRANCHES + "/prod/position?at=0/2000")
                        .json()
                        .get("last_commit")
                        .isNull())
                .isTrue();
        assertThat(get(BRANCHES + "/prod/position").json().get("lsn").asString())
                .isEqualTo("0/8123");
        assertThat(get(BRANCHES + "/prod/position?at=2001-01-01").status()).isEqualTo(400);
        assertThat(get(BRANCHES + "/prod/position?at=yesterday").message()).contains("'yesterday' is neither");
    }

    @Test
    void attachingGoesOnAfterTheAnswer() throws Exception {
        branches.attachAnswers(
                "new",
                new AttachProgress("new", "connecting", 0, 0, 0, null, null, null, List.of("hm"), false, null),
                new AttachProgress(
                        "new", "ready", 10, 10, 1, new Lsn(1), new Lsn(2), new Lsn(3), List.of(), true, null));
        Answer begun = post("/palimpsest/v1/attach", "{\"name\":\"new\",\"connection\":\"host=x\",\"slot\":\"s\"}");
        assertThat(begun.status()).isEqualTo(202);
        assertThat(begun.json().get("done").asBoolean()).isFalse();
        assertThat(branches.calls).containsExactly("attach new to host=x by s");
        JsonNode done = get("/palimpsest/v1/attach/new").json();
        assertThat(done.get("done").asBoolean()).isTrue();
        assertThat(done.get("reached").asString()).isEqualTo("0/3");
        assertThat(get("/palimpsest/v1/attach/other").status()).isEqualTo(404);
    }

    @Test
    void endpointsAreStartedListedAndStopped() throws Exception {
        branches.create("fix", "prod", dev.palimpsest.pageserver.branch.Moment.LATEST);
        assertThat(send("POST", BRANCHES + "/fix/endpoint").json().get("port").asInt())
                .isEqualTo(54321);
        assertThat(post(BRANCHES + "/fix/endpoint", "{\"port\": 5555, \"pg_bin\": \"/opt/pg/bin\"}")
                        .json()
                        .get("pid")
                        .asInt())
                .isEqualTo(4711);
        assertThat(branches.calls).contains("start fix on port 0 with null", "start fix on port 5555 with /opt/pg/bin");
        assertThat(get("/palimpsest/v1/endpoint").json().get("endpoints").size())
                .isEqualTo(1);
        assertThat(send("DELETE", BRANCHES + "/fix/endpoint")
                        .json()
                        .get("running")
                        .asBoolean())
                .isFalse();
        assertThat(send("DELETE", BRANCHES + "/fix/endpoint").status()).isEqualTo(404);
        assertThat(send("POST", BRANCHES + "/prod/endpoint").status()).isEqualTo(409);
        assertThat(post(BRANCHES + "/fix/endpoint", "{\"port\": 65536}").message())
                .isEqualTo("there is no port 65536");
        assertThat(post(BRANCHES + "/fix/endpoint", "{\"pg_bin\": \"bin\"}").message())
                .contains("absolute path");
    }

    @Test
    void aPageComesWithItsLsn() throws Exception {
        new SplittableRandom(5).nextBytes(branches.page);
        Answer answer = get(BRANCHES + "/prod/page?relation=base/5/16384_vm&block=4294967294&at=0/3000");
        assertThat(answer.response().body()).isEqualTo(branches.page);
        assertThat(answer.response().headers().firstValue(HttpApi.LSN_HEADER)).contains("0/3000");
        assertThat(branches.calls).containsExactly("page base/5/16384_vm 4294967294 at 0/3000");
        JsonNode history = get(BRANCHES + "/prod/page_history?relation=1663/5/16384&block=0")
                .json();
        assertThat(history.get("lsn").asString()).isEqualTo("0/8123");
        assertThat(history.get("versions").get(1).get("image").asBoolean()).isTrue();
    }

    @Test
    void verifyingSaysWhatDiffers() throws Exception {
        branches.differences = List.of("block 3 of 1663/5/16384: byte 40");
        Answer answer = post(BRANCHES + "/prod/verify", "{\"directory\":\"/data/../pg\",\"server\":\"standby\"}");
        assertThat(answer.json().get("differences").get(0).asString()).startsWith("block 3");
        assertThat(post(BRANCHES + "/prod/verify", "{\"directory\":\"/data\"}").status())
                .isEqualTo(200);
        assertThat(branches.calls)
                .containsExactly("verify prod against /pg of a STANDBY", "verify prod against /data of a PRIMARY");
        assertThat(post(BRANCHES + "/prod/verify", "{\"directory\":\"/d\",\"server\":\"x\"}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void aRestoredDirectoryIsOneArchive() throws Exception {
        byte[] large = new byte[1_000_000];
        new SplittableRandom(7).nextBytes(large);
        branches.files.put("base/5/16384", large);
        branches.files.put("pg_tblspc/16385/PG_17_202406281/5/1", new byte[8192]);
        branches.files.put("PG_VERSION", "17\n".getBytes(StandardCharsets.UTF_8));
        Answer answer = get(BRANCHES + "/prod/restore?at=0/3000");
        assertThat(answer.response().headers().firstValue(HttpApi.LSN_HEADER)).contains("0/3000");
        assertThat(answer.response().headers().firstValue(HttpApi.PG_VERSION_HEADER))
                .contains("17");
        List<String> names = new ArrayList<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(
                new ByteArrayInputStream(answer.response().body()))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                names.add(entry.getName());
                if (entry.getName().equals("base/5/16384")) {
                    assertThat(tar.readAllBytes()).isEqualTo(large);
                }
            }
        }
        assertThat(names)
                .contains("PG_VERSION", "pg_tblspc/16385/PG_17_202406281/5/1")
                .endsWith("global/pg_control");
    }

    @Test
    void anArchiveThatFailsEarlyIsAnError() throws Exception {
        branches.failAfterFiles = new BranchException(BranchException.Kind.FAILED, "layer x is damaged");
        Answer answer = get(BRANCHES + "/prod/restore");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.message()).isEqualTo("layer x is damaged");
        assertThat(answer.response().headers().firstValue(HttpApi.LSN_HEADER)).isEmpty();
        assertThat(get(BRANCHES + "/none/restore").status()).isEqualTo(404);
    }

    @Test
    void anArchiveThatFailsLateBreaksTheConnection() throws Exception {
        branches.files.put("large", new byte[3_000_000]);
        branches.failAfterFiles = new BranchException(BranchException.Kind.FAILED, "layer x is damaged");
        HttpResponse<InputStream> response =
                client.send(request(BRANCHES + "/prod/restore").build(), BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThatThrownBy(() -> response.body().readAllBytes()).isInstanceOf(IOException.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            GET    ; /                                    ;                             ; 404 ; there is nothing at /
            GET    ; /palimpsest/v1/branch/               ;                             ; 200 ;
            GET    ; /palimpsest/v1/branch/a/b            ;                             ; 404 ; there is nothing at
            GET    ; /palimpsest/v1/branch/none           ;                             ; 404 ; there is no branch none
            PUT    ; /palimpsest/v1/branch/prod           ;                             ; 405 ; only DELETE, GET
            DELETE ; /v1/status                           ;                             ; 405 ; only GET
            GET    ; /palimpsest/v1/branch?x=1            ;                             ; 400 ; unknown parameter 'x'
            GET    ; /palimpsest/v1/branch/prod/position?at=0/3000&at=0/4000 ;          ; 400 ; given twice
            GET    ; /palimpsest/v1/branch/prod/page?block=1 ;                          ; 400 ; 'relation' is missing
            GET    ; /palimpsest/v1/branch/prod/page?relation=1/2/3&block=-1 ;          ; 400 ; number from 0
            GET    ; /palimpsest/v1/branch/prod/page?relation=1/2/3&block=4294967295 ;  ; 400 ; number from 0
            GET    ; /palimpsest/v1/branch/prod/page?relation=1/2/3&block=x ;           ; 400 ; is no number: 'x'
            POST   ; /palimpsest/v1/branch                ;                             ; 400 ; no body
            POST   ; /palimpsest/v1/branch                ; {                           ; 400 ; not valid JSON
            POST   ; /palimpsest/v1/branch                ; []                          ; 400 ; not the JSON object
            POST   ; /palimpsest/v1/branch                ; null                        ; 400 ; is null
            POST   ; /palimpsest/v1/branch                ; {"name":"a","name":"b"}     ; 400 ; not valid JSON
            POST   ; /palimpsest/v1/branch                ; {"name":"a","from":"prod"} x ; 400 ; the body
            POST   ; /palimpsest/v1/branch                ; {"name":1,"from":"prod"}    ; 400 ; 'name' has a value of the wrong type
            POST   ; /palimpsest/v1/branch                ; {"name":"a","form":"prod"}  ; 400 ; unknown field 'form'; known are at, from, name
            POST   ; /palimpsest/v1/branch                ; {"name":"a"}                ; 400 ; 'from' is missing
            POST   ; /palimpsest/v1/branch                ; {"name":"prod","from":"prod"} ; 409 ; already
            POST   ; /palimpsest/v1/branch                ; {"name":"a","from":"prod","at":"0/9000"} ; 400 ; not in the history
            POST   ; /palimpsest/v1/attach                ; {"name":"a","connection":"x"} ; 400 ; wal_level is minimal
            """)
    void errorsAreClear(String method, String path, String body, int status, String message) throws Exception {
        HttpRequest.Builder request =
                request(path).method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        Answer answer = send(request.header("Content-Type", "application/json; charset=utf-8"));
        assertThat(answer.status()).isEqualTo(status);
        if (message != null) {
            assertThat(answer.message()).contains(message);
        }
    }

    @Test
    void onlyJsonOfSomeSizeIsTaken() throws Exception {
        HttpRequest.Builder text =
                request(BRANCHES).header("Content-Type", "text/plain").POST(BodyPublishers.ofString("{}"));
        assertThat(send(text).status()).isEqualTo(415);
        assertThat(post(BRANCHES, "\"" + "x".repeat(1 << 20) + "\"").status()).isEqualTo(413);
        assertThat(post(BRANCHES, "\"" + "x".repeat(12 << 20) + "\"").status()).isEqualTo(413);
        assertThat(post(BRANCHES, "\"" + "x".repeat((1 << 20) - 2) + "\"").status())
                .isEqualTo(400);
    }

    @Test
    void aBugShowsNothingOfItself() throws Exception {
        branches.bug = new IllegalStateException("secret");
        Answer answer = send(request(BRANCHES + "/prod").header("x-request-id", "my-id"));
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.message()).contains("request my-id").doesNotContain("secret");
        assertThat(answer.response().headers().firstValue("x-request-id")).contains("my-id");
        assertThat(new String(answer.response().body(), StandardCharsets.UTF_8)).doesNotContain("\tat ");
    }

    @Test
    void whatIsNoRequestIsAnsweredInJsonToo() throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            socket.getOutputStream()
                    .write("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 400 ").contains("{\"msg\":").doesNotContain("Jetty");
        }
    }

    @Test
    void aWrongMethodNamesTheRightOnes() throws Exception {
        assertThat(send("PATCH", BRANCHES).response().headers().firstValue("Allow"))
                .contains("GET, POST");
    }

    @Test
    void neonsTimelinesAreBranches() throws Exception {
        assertThat(get("/v1/status").json().get("id").asInt()).isEqualTo(1);
        JsonNode tenant = get("/v1/tenant").json().get(0);
        assertThat(tenant.get("id").asString()).isEqualTo(FakeBranches.TENANT);
        assertThat(tenant.get("state").get("slug").asString()).isEqualTo("Active");
        assertThat(get(TENANT).json().get("timelines").get(0).asString()).isEqualTo(FakeBranches.TIMELINE);
        JsonNode timeline =
                get(TIMELINE + "?include-non-incremental-logical-size=true").json();
        assertThat(timeline.get("last_record_lsn").asString()).isEqualTo("0/8123");
        assertThat(timeline.get("disk_consistent_lsn").asString()).isEqualTo("0/7800");
        assertThat(timeline.get("remote_consistent_lsn").asString()).isEqualTo("0/7000");
        assertThat(timeline.get("remote_consistent_lsn_visible").asString()).isEqualTo("0/7000");
        assertThat(timeline.get("applied_gc_cutoff_lsn").asString()).isEqualTo("0/1800");
        assertThat(timeline.get("pitr_history_size").asInt()).isEqualTo(0x6123);
        assertThat(timeline.get("last_received_msg_ts").asLong())
                .isEqualTo(FakeBranches.EPOCH.getEpochSecond() * 1_000_000 + 60_000_000);
        assertThat(timeline.get("state").asString()).isEqualTo("Active");
        assertThat(timeline.get("pg_version").asInt()).isEqualTo(17);
        assertThat(get(TENANT + "/timeline").json().size()).isEqualTo(1);
        assertThat(get(TENANT + "/timeline_and_offloaded")
                        .json()
                        .get("offloaded")
                        .size())
                .isZero();
        assertThat(get("/v1/tenant/xyz").status()).isEqualTo(400);
        assertThat(get("/v1/tenant/" + NEW_ID).status()).isEqualTo(404);
        assertThat(get(TENANT + "/timeline/" + NEW_ID).status()).isEqualTo(404);
    }

    @Test
    void neonsBranchingIsIdempotent() throws Exception {
        String body = "{\"new_timeline_id\":\"" + NEW_ID + "\",\"ancestor_timeline_id\":\"" + FakeBranches.TIMELINE
                + "\",\"ancestor_start_lsn\":\"0/3000\",\"pg_version\":17}";
        for (int i = 0; i < 2; i++) {
            Answer made = post(TENANT + "/timeline", body);
            assertThat(made.status()).isEqualTo(201);
            assertThat(made.json().get("timeline_id").asString()).isEqualTo(NEW_ID);
            assertThat(made.json().get("ancestor_timeline_id").asString()).isEqualTo(FakeBranches.TIMELINE);
            assertThat(made.json().get("ancestor_lsn").asString()).isEqualTo("0/3000");
        }
        assertThat(branches.calls).hasSize(1);
        assertThat(post(TENANT + "/timeline", body.replace("0/3000", "0/4000")).status())
                .isEqualTo(409);
        assertThat(post(
                                TENANT + "/timeline",
                                body.replace("0/3000", "0/9000").replace(NEW_ID, "1" + NEW_ID.substring(1)))
                        .status())
                .isEqualTo(406);
        assertThat(post(TENANT + "/timeline", body.replace(":17", ":16").replace(NEW_ID, "1" + NEW_ID.substring(1)))
                        .status())
                .isEqualTo(400);
        assertThat(post(TENANT + "/timeline", "{\"new_timeline_id\":\"" + NEW_ID + "\"}")
                        .message())
                .contains("attaching");
        assertThat(send("DELETE", TIMELINE).status()).isEqualTo(412);
        assertThat(send("DELETE", TENANT + "/timeline/" + NEW_ID).status()).isEqualTo(202);
        assertThat(get(TENANT + "/timeline/" + NEW_ID).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-20T10:00:03Z, 0/4FF8, present",
        "2026-11-20T10:00:03%2B00:00, 0/4FF8, present",
        "2027-11-20T10:00:03Z, 0/8123, future",
        "2001-11-20T10:00:03Z, 0/2000, past"
    })
    void neonsLsnOfATimestamp(String time, String lsn, String kind) throws Exception {
        JsonNode found =
                get(TIMELINE + "/get_lsn_by_timestamp?timestamp=" + time).json();
        assertThat(found.get("lsn").asString()).isEqualTo(lsn);
        assertThat(found.get("kind").asString()).isEqualTo(kind);
    }

    @Test
    void neonsTimestampOfAnLsnAndCheckpoint() throws Exception {
        assertThat(get(TIMELINE + "/get_timestamp_of_lsn?lsn=0/4100").json().asString())
                .isEqualTo("2026-11-20T10:00:03Z");
        assertThat(get(TIMELINE + "/get_timestamp_of_lsn?lsn=0/2000").status()).isEqualTo(412);
        assertThat(get(TIMELINE + "/get_timestamp_of_lsn?lsn=2000").status()).isEqualTo(400);
        assertThat(get(TIMELINE + "/get_lsn_by_timestamp?timestamp=now").status())
                .isEqualTo(400);
        assertThat(send("PUT", TIMELINE + "/checkpoint").status()).isEqualTo(200);
        assertThat(branches.calls).containsExactly("flush prod", "compact prod images");
    }

    private Answer put(String path, String body) throws IOException, InterruptedException {
        return send(request(path).header("Content-Type", "application/json").PUT(BodyPublishers.ofString(body)));
    }

    @Test
    void neonsUpkeepOfATimeline() throws Exception {
        assertThat(put(TIMELINE + "/do_gc", "{\"gc_horizon\": 4096}").json().toString())
                .isEqualTo("{\"layers_total\":8,\"layers_needed_by_cutoff\":0,\"layers_needed_by_pitr\":4,"
                        + "\"layers_needed_by_branches\":0,\"layers_needed_by_leases\":0,\"layers_not_updated\":1,"
                        + "\"layers_removed\":3,\"elapsed\":1500}");
        assertThat(send("PUT", TIMELINE + "/do_gc").status()).isEqualTo(200);
        assertThat(put(TIMELINE + "/do_gc", "{\"gc_horizon\": -1}").status()).isEqualTo(400);
        assertThat(send("PUT", TIMELINE + "/compact").status()).isEqualTo(200);
        assertThat(send("PUT", TIMELINE + "/compact?force_l0_compaction=true&force_image_layer_creation=true")
                        .status())
                .isEqualTo(200);
        assertThat(send("PUT", TIMELINE + "/compact?dry_run=true").status()).isEqualTo(400);
        assertThat(send("PUT", TIMELINE + "/compact?force_l0_compaction=maybe").status())
                .isEqualTo(400);
        assertThat(send("PUT", TIMELINE + "/checkpoint?compact=false").status()).isEqualTo(200);
        assertThat(post(TIMELINE + "/lsn_lease", "{\"lsn\": \"0/4000\"}").json().toString())
                .isEqualTo("{\"valid_until\":\"2026-11-20T10:10:00.000Z\"}");
        assertThat(put(TIMELINE + "/lsn_lease", "{\"lsn\": \"0/4000\"}").status())
                .isEqualTo(200);
        assertThat(post(TIMELINE + "/lsn_lease", "{}").status()).isEqualTo(400);
        assertThat(branches.calls)
                .containsExactly(
                        "gc prod keeping null, 4096",
                        "gc prod keeping null, null",
                        "compact prod images",
                        "compact prod force",
                        "compact prod images force",
                        "flush prod",
                        "lease prod at 0/4000",
                        "lease prod at 0/4000");
    }

    @Test
    void theUpkeepOfABranch() throws Exception {
        JsonNode gc = put(BRANCHES + "/prod/gc", "{\"pitr_interval\": \"2h\", \"gc_horizon\": 0, \"dry_run\": true}")
                .json();
        assertThat(gc.get("rule").asString()).isEqualTo("pitr_interval");
        assertThat(gc.get("pitr_interval").asString()).isEqualTo("PT2H");
        assertThat(gc.get("layers_kept").get("by_time").asInt()).isEqualTo(4);
        assertThat(put(BRANCHES + "/prod/gc", "{\"pitr_interval\": \"soon\"}").message())
                .contains("wants a duration");
        assertThat(put(BRANCHES + "/prod/compact", "{\"images\": true, \"force\": true}")
                        .json()
                        .get("image_layers_written")
                        .asInt())
                .isEqualTo(2);
        assertThat(send("PUT", BRANCHES + "/prod/flush")
                        .json()
                        .get("remote_consistent_lsn")
                        .asString())
                .isEqualTo("0/8123");
        assertThat(put(BRANCHES + "/prod/retention", "{\"pitr_interval\": \"2h\"}")
                        .status())
                .isEqualTo(204);
        assertThat(send("DELETE", BRANCHES + "/prod/retention").status()).isEqualTo(204);
        assertThat(post(BRANCHES + "/prod/lease", "{\"lsn\": \"0/4000\"}")
                        .json()
                        .get("valid_until")
                        .asString())
                .isEqualTo("2026-11-20T10:10:00Z");
        assertThat(branches.calls)
                .containsExactly(
                        "gc prod keeping PT2H, 0, dry",
                        "compact prod images force",
                        "flush prod",
                        "retain prod: PT2H, null",
                        "retain prod as the server",
                        "lease prod at 0/4000");
        Answer history = get(BRANCHES + "/prod/history");
        assertThat(ApiJson.mapper().readValue(history.response().body(), HistoryView.class))
                .isEqualTo(branches.upkeep().history("prod"));
        assertThat(get(BRANCHES + "/none/history").status()).isEqualTo(404);
    }

    @Test
    void anAddressThatIsTakenIsNamed() {
        try (HttpApi second = new HttpApi(branches, "127.0.0.1", api.port())) {
            assertThatThrownBy(second::start)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + api.port())
                    .hasMessageContaining("in use");
        }
    }
}
