package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageapi.LeaseLsnRequest;
import dev.palimpsest.pageapi.PageServiceGrpc;
import dev.palimpsest.pageserver.config.ConfigurationFile;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gRPC page API as part of a server: off, on by the configuration, and not for everybody. */
class ServerGrpcTest {
    @TempDir
    private Path directory;

    private ServerOptions options(String more) throws IOException {
        return options("data", more);
    }

    private ServerOptions options(String name, String more) throws IOException {
        String toml = "directory = \"" + directory.resolve(name)
                + "\"\nlisten_http_addr = \"127.0.0.1:0\"\n"
                + (more.contains("listen_pg_addr") ? "" : "listen_pg_addr = \"127.0.0.1:0\"\n") + more;
        Path file = Files.writeString(directory.resolve("c.toml"), toml);
        return ConfiguredOptions.of(ConfigurationFile.read(file), null);
    }

    @Test
    void itListensWhereTheConfigurationSaysAndNotOtherwise() throws Exception {
        try (Server server = Server.open(options(""))) {
            assertThat(server.grpcPort()).isEmpty();
        }
        int port;
        try (Server server = Server.open(options("listen_grpc_addr = \"127.0.0.1:0\"\n"))) {
            port = server.grpcPort().orElseThrow();
            ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", port)
                    .usePlaintext()
                    .build();
            try {
                assertThatThrownBy(() ->
                                PageServiceGrpc.newBlockingStub(channel).leaseLsn(LeaseLsnRequest.getDefaultInstance()))
                        .isInstanceOfSatisfying(
                                StatusRuntimeException.class,
                                e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT))
                        .hasMessageContaining("neon-shard-id is missing");
            } finally {
                channel.shutdownNow();
            }
        }
        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
                .isInstanceOf(IOException.class);
    }

    @Test
    void anAddressThatOthersReachNeedsTokens() {
        assertThatThrownBy(() -> options("listen_grpc_addr = \"0.0.0.0:51051\"\n"))
                .hasMessageContaining("listen_grpc_addr")
                .hasMessageContaining("grpc_auth_type is Trust");
        assertThatThrownBy(() -> options("listen_grpc_addr = \"127.0.0.1:51051\"\ngrpc_tls = true\n"))
                .hasMessageContaining("grpc_tls")
                .hasMessageContaining("ssl_cert_file");
        assertThatThrownBy(() -> options("listen_grpc_addr = \"127.0.0.1:51051\"\ngrpc_auth_type = \"NeonJWT\"\n"))
                .hasMessageContaining("auth_validation_public_key_path");
        assertThatThrownBy(() -> options("listen_grpc_addr = \"127.0.0.1:7\"\nlisten_pg_addr = \"127.0.0.1:7\"\n"))
                .hasMessageContaining("listen_grpc_addr");
    }

    @Test
    void aTakenPortIsNamed() throws Exception {
        try (Server server = Server.open(options("listen_grpc_addr = \"127.0.0.1:0\"\n"))) {
            int port = server.grpcPort().orElseThrow();
            ServerOptions same = options("other", "listen_grpc_addr = \"127.0.0.1:" + port + "\"\n");
            assertThatThrownBy(() -> Server.open(same))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + port);
        }
    }
}
