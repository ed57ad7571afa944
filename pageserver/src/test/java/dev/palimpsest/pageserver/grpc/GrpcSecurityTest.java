package dev.palimpsest.pageserver.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageapi.LeaseLsnRequest;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ServedPages;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.SecuritySettings;
import dev.palimpsest.pageserver.security.ServerSecurity;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.pageserver.security.Tokens;
import dev.palimpsest.pageserver.upstream.Certificates;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in to the gRPC page API, over TLS, and that nobody else is. */
class GrpcSecurityTest {
    private static final Certificates CERTIFICATES = Certificates.shared();

    @TempDir
    private Path directory;

    private Tokens signer;
    private ServerSecurity security;
    private ServedPages served;
    private GrpcPageService service;

    @BeforeEach
    void open() throws Exception {
        signer = Tokens.ed25519();
        install(CERTIFICATES.serverCertificateFile(), CERTIFICATES.serverKeyFile());
        SecuritySettings settings = new SecuritySettings(
                false,
                false,
                true,
                Optional.of(signer.publicKey(directory.resolve("tokens.pem"))),
                TlsMode.OFF,
                TlsMode.OFF,
                true,
                Optional.of(directory.resolve("server.crt")),
                Optional.of(directory.resolve("server.key")),
                Duration.ofMinutes(1),
                false);
        security = ServerSecurity.open(settings, InstantSource.system());
        served = new ServedPages(directory.resolve("data"), PageServiceSettings.on("127.0.0.1", 0));
        service = service(security.grpc());
    }

    private void install(Path certificate, Path key) throws Exception {
        Files.copy(certificate, directory.resolve("server.crt"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(
                key,
                directory.resolve("server.key"),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.COPY_ATTRIBUTES);
    }

    private GrpcPageService service(InterfaceSecurity how) throws Exception {
        GrpcPageService opened = new GrpcPageService(
                served, served.service, new GrpcSettings("127.0.0.1", 0, 8, 100), how, served.clock(), served.metrics);
        opened.start();
        return opened;
    }

    @AfterEach
    void close() throws Exception {
        service.close();
        served.close();
        security.close();
    }

    private static SslContext trusting(Path authority) throws Exception {
        return GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
                .trustManager(new ByteArrayInputStream(Files.readAllBytes(authority)))
                .build();
    }

    private static <Q, A> Status status(
            GrpcClient client, MethodDescriptor<Q, A> method, @Nullable String authorization) throws Exception {
        client.with("authorization", authorization);
        ClientCall<Q, A> call = client.channel.newCall(method, CallOptions.DEFAULT);
        CompletableFuture<Status> end = new CompletableFuture<>();
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                client.headers());
        call.request(10);
        call.halfClose();
        return end.get(60, TimeUnit.SECONDS);
    }

    /** Whatever there is to be called. */
    private static List<MethodDescriptor<?, ?>> methods() {
        List<MethodDescriptor<?, ?>> methods =
                new ArrayList<>(PageServiceGrpc.getServiceDescriptor().getMethods());
        BindableService reflection = ProtoReflectionServiceV1.newInstance();
        reflection.bindService().getMethods().stream()
                .map(ServerMethodDefinition::getMethodDescriptor)
                .forEach(methods::add);
        return methods;
    }

    @Test
    void nothingIsDoneWithoutATokenThatIsGood() throws Exception {
        assertThat(methods()).hasSize(7);
        try (GrpcClient client = new GrpcClient(service.port(), trusting(CERTIFICATES.authorityFile()))) {
            for (MethodDescriptor<?, ?> method : methods()) {
                assertThat(status(client, method, null).getCode())
                        .as(method.getFullMethodName())
                        .isEqualTo(Status.Code.UNAUTHENTICATED);
                for (String bad : new String[] {
                    "Basic abc",
                    "Bearer",
                    "Bearer nonsense",
                    "Bearer " + Tokens.ed25519().server(),
                    "Bearer " + signer.token("{\"scope\": \"pageserverapi\", \"exp\": 1000}")
                }) {
                    Status status = status(client, method, bad);
                    assertThat(status.getCode())
                            .as(method.getFullMethodName() + " " + bad)
                            .isEqualTo(Status.Code.INVALID_ARGUMENT);
                    assertThat(String.valueOf(status.getDescription())).doesNotContain(bad.substring(6) + ".");
                }
            }
        }
    }

    @Test
    void aTokenIsGoodForItsTenantOnly() throws Exception {
        try (GrpcClient client = new GrpcClient(service.port(), trusting(CERTIFICATES.authorityFile()))) {
            for (MethodDescriptor<?, ?> method :
                    PageServiceGrpc.getServiceDescriptor().getMethods()) {
                for (String token : new String[] {
                    signer.tenant("f".repeat(32)),
                    signer.token("{\"scope\": \"safekeeperdata\"}"),
                    signer.token("{\"scope\": \"admin\", \"tenant_id\": \"" + ServedPages.TENANT + "\"}")
                }) {
                    assertThat(status(client, method, "Bearer " + token).getCode())
                            .as(method.getFullMethodName())
                            .isIn(Status.Code.PERMISSION_DENIED);
                }
            }
            for (String token : new String[] {signer.tenant(ServedPages.TENANT), signer.server()}) {
                client.with("authorization", "Bearer " + token);
                GrpcClient.Stream stream = client.stream();
                stream.send(GrpcClient.pages(1, GrpcClient.latest(), 999, 1));
                assertThat(stream.response().getReason()).contains("does not exist");
                stream.finish();
                assertThat(stream.end().isOk()).isTrue();
            }
        }
    }

    @Test
    void anotherCertificateCountsForThoseWhoComeThen() throws Exception {
        MethodDescriptor<?, ?> method = PageServiceGrpc.getLeaseLsnMethod();
        try (GrpcClient early = new GrpcClient(service.port(), trusting(CERTIFICATES.authorityFile()))) {
            assertThat(status(early, method, null).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
            install(CERTIFICATES.secondCertificateFile(), CERTIFICATES.secondKeyFile());
            security.reload();
            try (GrpcClient trustsFirst = new GrpcClient(service.port(), trusting(CERTIFICATES.authorityFile()));
                    GrpcClient trustsSecond = new GrpcClient(service.port(), trusting(CERTIFICATES.strangerFile()))) {
                assertThat(status(trustsFirst, method, null).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                assertThat(status(trustsSecond, method, null).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
            }
            assertThat(status(early, method, null).getCode())
                    .as("who was here stays")
                    .isEqualTo(Status.Code.UNAUTHENTICATED);
        }
    }

    @Test
    void plainTextAndTlsDoNotMix() throws Exception {
        try (GrpcClient plain = new GrpcClient(service.port())) {
            plain.with("authorization", "Bearer " + signer.server());
            assertThatThrownBy(() -> plain.blocking().leaseLsn(LeaseLsnRequest.getDefaultInstance()))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("UNAVAILABLE");
        }
    }
}
