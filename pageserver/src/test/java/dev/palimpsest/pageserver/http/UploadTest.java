package dev.palimpsest.pageserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Bodies that are read as they come. */
class UploadTest {
    private static final String PATH = "/palimpsest/v1/adopt/";

    /** More than other bodies may have. */
    private static final int LARGE = 3 << 20;

    private final FakeBranches branches = new FakeBranches().withProd();
    private final HttpApi api = new HttpApi(
            branches,
            new ServerOperations() {
                @Override
                public List<String> problems() {
                    return List.of();
                }

                @Override
                public Responses.Reloaded reload() {
                    return new Responses.Reloaded(List.of(), List.of());
                }
            },
            new HttpSettings("127.0.0.1", 0, 20, 2048, Duration.ofMillis(400), true, 1),
            InterfaceSecurity.NONE,
            new PrometheusRegistry());
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @BeforeEach
    void start() throws IOException {
        api.start();
    }

    @AfterEach
    void stop() {
        client.close();
        api.close();
    }

    private HttpResponse<String> put(String path, String type, InputStream body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path))
                .header("Content-Type", type)
                .expectContinue(true)
                .PUT(BodyPublishers.ofInputStream(() -> body))
                .build();
        return client.send(request, BodyHandlers.ofString());
    }

    private static InputStream large() {
        return new ByteArrayInputStream(new byte[LARGE]);
    }

    @Test
    void aLargeBodyIsTakenAsItComes() throws Exception {
        HttpResponse<String> answer = put(PATH + "new?to=0/3000", HttpApi.TAR_TYPE, large());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        assertThat(answer.body()).contains("\"received_bytes\":" + LARGE);
        assertThat(branches.calls).containsExactly("adopt new to 0/3000");
    }

    @Test
    void whatIsKeptIsSaidWithIt() throws Exception {
        HttpResponse<String> answer = put(PATH + "new?pitr_interval=90d&gc_horizon=1048576", HttpApi.TAR_TYPE, large());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        assertThat(branches.calls)
                .containsExactly(
                        "adopt new to latest keeping " + new RetentionOverride(Duration.ofDays(90), 1_048_576L));
    }

    @Test
    void whatIsRefusedIsRefusedBeforeItIsSent() throws Exception {
        InputStream unread = new InputStream() {
            @Override
            public int read() {
                throw new AssertionError("nothing of the body is asked for");
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                return read();
            }
        };
        HttpResponse<String> taken = put(PATH + "prod", HttpApi.TAR_TYPE, unread);
        assertThat(taken.statusCode()).isEqualTo(409);
        assertThat(taken.body()).contains("there is a branch prod already");
        assertThat(put(PATH + "new", "application/x-www-form-urlencoded", unread)
                        .statusCode())
                .isEqualTo(415);
        assertThat(put(PATH + "new?until=1", HttpApi.TAR_TYPE, unread).statusCode())
                .isEqualTo(400);
        for (String wrong : List.of("pitr_interval=soon", "gc_horizon=-1", "gc_horizon=64MB")) {
            assertThat(put(PATH + "new?" + wrong, HttpApi.TAR_TYPE, unread).statusCode())
                    .as(wrong)
                    .isEqualTo(400);
        }
        assertThat(branches.calls).isEmpty();
    }

    /** A reader that takes longer over a part than a client may is no reason to cut that off. */
    @Test
    void onlyTheClientsTimeCounts() throws Exception {
        branches.inAdopt = () -> {
            try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
                assertThat(silent.getInputStream().read())
                        .as("cut off, for it sent nothing in time")
                        .isNegative();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        HttpResponse<String> answer = put(PATH + "new", HttpApi.TAR_TYPE, large());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    }

    @Test
    void whoSendsABodyByteByByteIsCutOff() throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            OutputStream out = socket.getOutputStream();
            out.write(("PUT " + PATH + "slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + HttpApi.TAR_TYPE
                            + "\r\nContent-Length: 1000000\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.write(new byte[200_000]);
            InputStream in = socket.getInputStream();
            socket.setSoTimeout(20);
            boolean open = true;
            while (open) {
                try {
                    out.write('a');
                    open = in.read() >= 0;
                } catch (SocketTimeoutException e) {
                    assertThat(e).as("still there").isNotNull();
                } catch (SocketException e) {
                    open = false;
                }
            }
        }
        assertThat(branches.adoptBrokeOff.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(branches.list()).hasSize(1);
    }
}
