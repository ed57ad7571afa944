package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerTest {
    @TempDir
    private Path directory;

    private ServerOptions options(int port) {
        return new ServerOptions(directory.resolve("new"), "127.0.0.1", port, null);
    }

    private static String get(Server server, String path) throws IOException {
        try (var in = URI.create("http://127.0.0.1:" + server.httpPort() + path)
                .toURL()
                .openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void itServesWhatItsDirectoryHas() throws Exception {
        for (int i = 0; i < 2; i++) {
            try (Server server = Server.open(options(0))) {
                assertThat(get(server, "/v1/status")).isEqualTo("{\"id\":1}");
                assertThat(get(server, "/palimpsest/v1/branch")).isEqualTo("{\"branches\":[]}");
                assertThat(server.branches().list()).isEmpty();
            }
        }
    }

    @Test
    void aDirectoryHasOneServer() throws Exception {
        try (Server server = Server.open(options(0))) {
            assertThatThrownBy(() -> Server.open(options(0)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(directory.resolve("new").toString())
                    .hasMessageContaining(
                            "process ID " + ProcessHandle.current().pid());
            assertThat(get(server, "/v1/status")).isNotEmpty();
        }
        Server.open(options(0)).close();
    }

    @Test
    void whatCannotBeOpenedLeavesNothingOpen() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> Server.open(options(taken.getLocalPort())))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + taken.getLocalPort());
        }
        Server.open(options(0)).close();
        Files.writeString(directory.resolve("file"), "x");
        assertThatThrownBy(() -> Server.open(new ServerOptions(directory.resolve("file"), "127.0.0.1", 0, null)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void closingTwiceIsClosingOnce() throws Exception {
        Server server = Server.open(options(0));
        server.close();
        server.close();
    }

    @Test
    void portsHaveARange() {
        assertThatThrownBy(() -> options(65536)).isInstanceOf(IllegalArgumentException.class);
    }
}
