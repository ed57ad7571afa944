package dev.palimpsest.pageserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.security.Authentication;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.pageserver.security.TokenVerifier;
import dev.palimpsest.pageserver.security.Tokens;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
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
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may do what over HTTP, and what a hostile client gets. */
class HttpSecurityTest {
    private static final String OTHER_TENANT = "ffffffffffffffffffffffffffffffff";

    /** What may be asked without a token: a new route is not among them by accident. */
    private static final Set<String> OPEN =
            Set.of("/v1/status", "/healthz", "/readyz", "/metrics", "/openapi.json", "/swagger.yml");

    @TempDir
    private Path directory;

    private final FakeBranches branches = new FakeBranches().withProd();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Tokens signer = Tokens.ed25519();
    private HttpApi api = new HttpApi(branches, "127.0.0.1", 0);
    private HttpApi trusting = new HttpApi(branches, "127.0.0.1", 0);

    HttpSecurityTest() throws Exception {}

    private record Answer(int status, String body, HttpResponse<String> response) {}

    @BeforeEach
    void start() throws Exception {
        TokenVerifier verifier =
                TokenVerifier.open(signer.publicKey(directory.resolve("key.pem")), InstantSource.system());
        api = new HttpApi(
                branches,
                new ServerOperations() {
                    @Override
                    public List<String> problems() {
                        return List.of("the object store cannot be reached");
                    }

                    @Override
                    public Responses.Reloaded reload() throws IOException {
                        throw new IOException("a.toml:3: nonsense");
                    }
                },
                new HttpSettings("127.0.0.1", 0, 20, 2048, Duration.ofMillis(400), true, 1),
                new InterfaceSecurity(Authentication.byToken(verifier), TlsMode.OFF, Optional.empty()),
                new PrometheusRegistry());
        api.start();
        trusting.start();
    }

    @AfterEach
    void stop() {
        client.close();
        api.close();
        trusting.close();
    }

    private Answer send(HttpApi to, String method, String path, @Nullable String authorization, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + to.port() + path))
                .method(method, BodyPublishers.noBody());
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body(), response);
    }

    private static String path(Route route, String tenant, String branch) {
        return route.path()
                .replace("{tenant}", tenant)
                .replace("{name}", branch)
                .replace("{layer}", FakeLayers.DELTA)
                .replace("{timeline}", FakeBranches.TIMELINE.toString());
    }

    @Test
    void everyRouteIsDeniedWithoutTheRight() throws Exception {
        String stranger = Tokens.ed25519().server();
        String expired = signer.token("{\"scope\": \"pageserverapi\", \"exp\": 1000}");
        int open = 0;
        for (Route route : api.routes()) {
            String path = path(route, FakeBranches.TENANT.toString(), "prod");
            String what = route.method() + " " + path;
            if (route.access() == Access.OPEN) {
                assertThat(OPEN).as("open routes").contains(route.path());
                open++;
                continue;
            }
            Answer none = send(api, route.method(), path, null);
            assertThat(none.status()).as(what).isEqualTo(401);
            assertThat(none.response().headers().firstValue("WWW-Authenticate"))
                    .as(what)
                    .hasValue("Bearer");
            assertThat(none.body()).as(what).startsWith("{\"msg\":\"");
            assertThat(send(api, route.method(), path, "Basic dTpw").status())
                    .as(what)
                    .isEqualTo(401);
            for (String token : List.of("nonsense", stranger, expired)) {
                Answer answer = send(api, route.method(), path, "Bearer " + token);
                assertThat(answer.status()).as(what).isEqualTo(403);
                assertThat(answer.body())
                        .as(what)
                        .contains("JWT authentication error")
                        .doesNotContain(token);
            }
            for (String scope : List.of("safekeeperdata", "generations_api", "admin", "scrubber", "tenantendpoint")) {
                String token =
                        signer.token("{\"scope\": \"" + scope + "\", \"tenant_id\": \"" + FakeBranches.TENANT + "\"}");
                assertThat(send(api, route.method(), path, "Bearer " + token).status())
                        .as(what + " as " + scope)
                        .isEqualTo(403);
            }
            Answer other = send(api, route.method(), path, "Bearer " + signer.tenant(OTHER_TENANT));
            assertThat(other.status()).as(what).isEqualTo(403);
            assertThat(branches.list()).as("nothing was done by " + what).hasSize(1);
        }
        assertThat(open).isEqualTo(5);
        assertThat(api.routes()).hasSizeGreaterThan(25);
    }

    @Test
    void aTenantsTokenIsGoodForThatTenantOnly() throws Exception {
        String own = "Bearer " + signer.tenant(FakeBranches.TENANT.toString());
        branches.layers().downloadAll("prod", 1);
        for (Route route : api.routes()) {
            String path = path(route, FakeBranches.TENANT.toString(), "prod");
            if (route.access() == Access.SERVER) {
                assertThat(send(api, route.method(), path, own).status())
                        .as(path)
                        .isEqualTo(403);
            } else if (route.access() != Access.OPEN && route.method().equals("GET")) {
                assertThat(send(api, route.method(), path, own).status())
                        .as(path)
                        .isNotIn(401, 403, 404, 500);
            }
        }
        assertThat(send(api, "GET", "/palimpsest/v1/branch/nothing", own).status())
                .as("nobody learns what others have")
                .isEqualTo(403);
        assertThat(send(api, "GET", "/v1/tenant/" + OTHER_TENANT, own).status()).isEqualTo(403);
        assertThat(send(api, "GET", "/v1/tenant/..%2f" + OTHER_TENANT, own).status())
                .isIn(400, 403);
    }

    @Test
    void whoMayDoEverythingDoesEverything() throws Exception {
        String all = "Bearer " + signer.server();
        assertThat(send(api, "GET", "/palimpsest/v1/branch", all).status()).isEqualTo(200);
        assertThat(send(api, "GET", "/palimpsest/v1/branch", "bearer  " + signer.server())
                        .status())
                .isEqualTo(200);
        assertThat(send(api, "GET", "/palimpsest/v1/branch/nothing", all).status())
                .isEqualTo(404);
        assertThat(send(api, "GET", "/nothing", all).status()).isEqualTo(404);
        assertThat(send(api, "GET", "/nothing", null).status())
                .as("not told what there is")
                .isEqualTo(401);
        Answer reload = send(api, "POST", "/palimpsest/v1/reload", all);
        assertThat(reload.status()).isEqualTo(400);
        assertThat(reload.body()).contains("a.toml:3: nonsense");
    }

    @Test
    void probesAndMetricsAnswerAsTheyAreAsked() throws Exception {
        assertThat(send(api, "GET", "/healthz", null).status()).isEqualTo(200);
        Answer ready = send(api, "GET", "/readyz", null);
        assertThat(ready.status()).isEqualTo(503);
        assertThat(ready.body())
                .isEqualTo("{\"ready\":false,\"problems\":[\"the object store cannot be reached\"],\"tenants\":[]}");
        assertThat(send(trusting, "GET", "/readyz", null).status()).isEqualTo(200);
        Answer text = send(api, "GET", "/metrics", "Bearer " + signer.server());
        assertThat(text.response().headers().firstValue("Content-Type").orElse(""))
                .startsWith("text/plain");
        assertThat(text.body())
                .contains("palimpsest_http_request_seconds_count{method=\"GET\",route=\"/readyz\",status=\"503\"} 1")
                .contains("# TYPE palimpsest_http_connections gauge");
        Answer open = send(
                api,
                "GET",
                "/metrics",
                "Bearer " + signer.server(),
                "Accept",
                "application/openmetrics-text; version=1.0.0");
        assertThat(open.response().headers().firstValue("Content-Type").orElse(""))
                .startsWith("application/openmetrics-text");
        assertThat(open.body()).endsWith("# EOF\n");
        assertThat(send(api, "GET", "/metrics", null).status()).isEqualTo(401);
        assertThat(send(trusting, "GET", "/metrics", null).status()).isEqualTo(200);
    }

    @Test
    void pagesFromElsewhereInABrowserAreRefusedWhereThereAreNoTokens() throws Exception {
        String path = "/palimpsest/v1/branch";
        String here = "http://127.0.0.1:" + trusting.port();
        assertThat(send(trusting, "GET", path, null, "Origin", "http://evil.example")
                        .status())
                .isEqualTo(403);
        assertThat(send(trusting, "GET", path, null, "Origin", "null").status()).isEqualTo(403);
        assertThat(send(trusting, "GET", path, null, "Origin", here).status()).isEqualTo(200);
        assertThat(raw(trusting, "GET " + path + " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 403");
        for (String host : List.of("localhost:1", "127.0.0.1", "[::1]:9898")) {
            assertThat(raw(trusting, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200");
        }
    }

    /** Sends bytes, and reads until the server ends the connection. */
    private static String raw(HttpApi to, String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), to.port())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/palimpsest/v1/branch/../../../etc/passwd",
                "/palimpsest/v1/branch/%2e%2e/%2e%2e/etc/passwd",
                "/palimpsest/v1/branch/..%2f..%2fetc",
                "/palimpsest/v1/branch/..;/x",
                "/palimpsest/v1/branch/%00",
                "/palimpsest/v1/branch/..%5c..%5c",
                "/..//../etc/passwd",
                "//etc/passwd"
            })
    void pathsLeadNowhereElse(String path) throws Exception {
        String answer = raw(trusting, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assertThat(answer).matches("(?s)HTTP/1.1 (400|404).*").doesNotContain("root:");
    }

    @Test
    void bombsAreRefused() throws Exception {
        String head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        assertThat(raw(api, head + "\r\n")).startsWith("HTTP/1.1 200");
        assertThat(raw(api, head + "X: " + "a".repeat(4000) + "\r\n\r\n")).startsWith("HTTP/1.1 431");
        assertThat(raw(api, head + "X: a\r\n".repeat(1000) + "\r\n")).startsWith("HTTP/1.1 431");
        assertThat(raw(api, "GET /" + "a".repeat(4000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                .startsWith("HTTP/1.1 414");
        String post = "POST /palimpsest/v1/branch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Content-Type: application/json\r\nContent-Length: 9999999999\r\n";
        assertThat(raw(api, post + "\r\n")).as("before a byte of it was read").startsWith("HTTP/1.1 401");
        assertThat(raw(trusting, post + "\r\n")).startsWith("HTTP/1.1 413");
        assertThat(raw(trusting, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))
                .startsWith("HTTP/1.1 400");
        assertThat(
                        raw(
                                trusting,
                                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
                .startsWith("HTTP/1.1 400");
    }

    /** Without a limit on the whole request this would not end: the limit on silence never comes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
                "POST /palimpsest/v1/branch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 100000\r\nAuthorization: Bearer TOKEN\r\n\r\n"
            })
    void whoSendsByteByByteIsCutOff(String beginning) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            OutputStream out = socket.getOutputStream();
            out.write(beginning.replace("TOKEN", signer.server()).getBytes(StandardCharsets.ISO_8859_1));
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
        assertThat(send(api, "GET", "/healthz", null).status()).isEqualTo(200);
    }

    @Test
    void whoOnlyConnectsIsCutOffAndMakesRoom() throws Exception {
        Socket[] idle = new Socket[40];
        try {
            for (int i = 0; i < idle.length; i++) {
                idle[i] = new Socket(InetAddress.getLoopbackAddress(), api.port());
            }
            assertThat(send(api, "GET", "/healthz", null).status())
                    .as("though there were twice as many connections as there may be")
                    .isEqualTo(200);
        } finally {
            for (Socket socket : idle) {
                if (socket != null) {
                    socket.close();
                }
            }
        }
    }
}
