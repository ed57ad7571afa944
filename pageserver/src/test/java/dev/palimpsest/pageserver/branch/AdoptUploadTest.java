package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.adopt.AdoptPlan;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.testkit.PostgresServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backups sent over HTTP, by clients that may go away meanwhile. */
class AdoptUploadTest {
    private static final long PATIENCE_NANOS = 60_000_000_000L;
    private static final int MAJOR = 17;

    private static byte[] archive(Path backup) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (AdoptPlan plan = AdoptPlan.of(backup, List.of(), null, false)) {
            plan.send(out, () -> false);
        }
        return out.toByteArray();
    }

    /** Layers and index parts, here and in the store, and what is being written of them. */
    private static List<Path> filesOfTimelines(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().contains("/timelines/"))
                    .toList();
        }
    }

    private static AttachProgress ended(Branches branches, String name) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        AttachProgress progress = null;
        while (progress == null || !progress.done()) {
            assertThat(System.nanoTime()).as("%s", progress).isLessThan(deadline);
            Thread.sleep(10);
            try {
                progress = branches.attachProgress(name);
            } catch (BranchException e) {
                assertThat(e.kind()).as("not yet begun").isEqualTo(BranchException.Kind.NOT_FOUND);
            }
        }
        return progress;
    }

    @Test
    void aClientThatDiesLeavesNothingBehind(@TempDir Path directory) throws Exception {
        try (PostgresServer primary = PostgresServer.version(MAJOR)
                        .initdbOption("--wal-segsize=1")
                        .start();
                BranchHost host = new BranchHost(Files.createDirectory(directory.resolve("store")), MAJOR);
                HttpApi api = new HttpApi(host.branches(), "127.0.0.1", 0);
                HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build()) {
            api.start();
            primary.stop("fast");
            byte[] archive = archive(primary.dataDirectory());
            // In the header, in the base backup, in WAL, and before the entry that says that all has come.
            for (int sent : new int[] {0, 700, archive.length / 2, archive.length - (1 << 19), archive.length - 1536}) {
                String name = "cut" + sent;
                send(api, name, archive, sent);
                AttachProgress progress = ended(host.branches(), name);
                assertThat(progress.failure()).contains(name + " cannot be adopted", "what was sent broke off");
                assertThat(host.branches().list()).isEmpty();
                assertThat(filesOfTimelines(directory)).as(name).isEmpty();
            }
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port()
                                    + "/palimpsest/v1/adopt/cut0?to=latest&pitr_interval=90d"))
                            .header("Content-Type", HttpApi.TAR_TYPE)
                            .PUT(BodyPublishers.ofByteArray(archive))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
            assertThat(filesOfTimelines(directory)).isNotEmpty();
            HistoryView history = host.branches().upkeep().history("cut0");
            assertThat(history.pitrInterval()).isEqualTo(Duration.ofDays(90));
            assertThat(history.ownRetention()).isTrue();
            DirectoryComparison.Result result =
                    host.branches().verify("cut0", primary.dataDirectory(), PageComparison.Server.PRIMARY);
            assertThat(result.differences()).isEmpty();
            assertThat(result.pages()).isGreaterThan(800);
        }
    }

    private static void send(HttpApi api, String name, byte[] archive, int count) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            OutputStream out = socket.getOutputStream();
            out.write(("PUT /palimpsest/v1/adopt/" + name + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                            + HttpApi.TAR_TYPE + "\r\nContent-Length: " + archive.length + "\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.write(archive, 0, count);
        }
    }
}
