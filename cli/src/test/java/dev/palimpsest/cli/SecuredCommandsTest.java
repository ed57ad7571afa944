package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.security.SecuritySettings;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.pageserver.security.Tokens;
import dev.palimpsest.pageserver.upstream.Certificates;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Commands against a server that wants TLS and tokens, and the server's configuration on the command line. */
class SecuredCommandsTest {
    private record Result(int code, String out, String err) {}

    @TempDir
    private Path directory;

    private static Result run(String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Palimpsest.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(words);
        return new Result(code, out.toString(), err.toString());
    }

    @Test
    void aTokenFromAFileAndAnAuthorityAreWhatItTakes() throws Exception {
        Certificates certificates = Certificates.shared();
        Tokens signer = Tokens.ed25519();
        Path keys = signer.publicKey(directory.resolve("key.pem"));
        SecuritySettings security = new SecuritySettings(
                true,
                true,
                true,
                Optional.of(keys),
                TlsMode.REQUIRED,
                TlsMode.REQUIRED,
                true,
                Optional.of(certificates.serverCertificateFile()),
                Optional.of(certificates.serverKeyFile()),
                Duration.ofMinutes(1),
                false);
        String token = signer.server();
        Path file = Files.writeString(directory.resolve("token"), token + "\n");
        Path bad = Files.writeString(directory.resolve("bad"), token.replace('.', '\u00e9'));
        ServerOptions options =
                new ServerOptions(directory.resolve("data"), "127.0.0.1", 0, null).withSecurity(security);
        try (Server server = Server.open(options)) {
            String url = "https://localhost:" + server.httpPort();
            String authority = certificates.authorityFile().toString();
            assertThat(run("status", "--server", url, "--ca", authority, "--token-file", file.toString()).code)
                    .isZero();
            Result reload = run("reload", "--server", url, "--ca", authority, "--token-file", file.toString());
            assertThat(reload.code).as(reload.err).isZero();
            assertThat(reload.out).contains("1 public keys from " + keys);
            Result top = run(
                    "top",
                    "--once",
                    "--interval",
                    "0.05",
                    "--server",
                    url,
                    "--ca",
                    authority,
                    "--token-file",
                    file.toString());
            assertThat(top.code).as(top.err).isZero();
            assertThat(top.out)
                    .contains("palimpsest at " + url, "0 branches", "0 pages/s", "0 B of 512 MB", "BRANCH")
                    .doesNotContain("\u001b");
            assertUploads(URI.create(url), certificates.authorityFile(), token);
            for (Result refused : List.of(
                    run("status", "--server", url, "--ca", authority),
                    run("top", "--once", "--server", url, "--ca", authority),
                    run("status", "--server", url, "--token-file", file.toString()),
                    run("status", "--server", url, "--ca", authority, "--token-file", bad.toString()),
                    run("status", "--server", url, "--ca", keys.toString(), "--token-file", file.toString()),
                    run("status", "--server", url, "--ca", authority, "--token-file", "/nowhere"))) {
                assertThat(refused.code).isOne();
                assertThat(refused.err).doesNotContain(token).doesNotContain(token.substring(0, 30));
                assertThat(refused.err.lines()).as(refused.err).hasSize(1);
            }
        }
    }

    private static void assertUploads(URI url, Path authority, String token) throws Exception {
        UploadBody.Writer nonsense = out -> out.write(new byte[100_000]);
        try (ServerClient client = new ServerClient(url, Optional.of(token), Optional.of(authority))) {
            assertThatThrownBy(() ->
                            client.upload("/palimpsest/v1/adopt/a", HttpApi.TAR_TYPE, nonsense, AttachProgress.class))
                    .isInstanceOf(ServerFailure.class)
                    .hasMessageContaining("a cannot be adopted");
        }
        try (ServerClient stranger = new ServerClient(url, Optional.empty(), Optional.of(authority))) {
            assertThatThrownBy(() ->
                            stranger.upload("/palimpsest/v1/adopt/a", HttpApi.TAR_TYPE, nonsense, AttachProgress.class))
                    .isInstanceOf(ServerFailure.class)
                    .hasMessageContaining("a token is needed");
        }
    }

    @Test
    void noCommandTakesASecretAsAnOption() {
        CommandLine all = Palimpsest.commandLine();
        Stream<String> options = all.getSubcommands().values().stream()
                .flatMap(command -> Stream.concat(Stream.of(command), command.getSubcommands().values().stream()))
                .flatMap(command -> command.getCommandSpec().options().stream())
                .map(CommandLine.Model.OptionSpec::longestName);
        assertThat(options)
                .contains("--token-file")
                .doesNotContain("--token", "--password", "--secret-key", "--access-key");
    }

    @Test
    void aConfigurationIsCheckedWithoutStartingAnything() throws Exception {
        Path data = directory.resolve("data");
        Path file = Files.writeString(directory.resolve("c.toml"), "directory = \"" + data + "\"\n");
        assertThat(run("server", "--config", file.toString(), "--check").code).isZero();
        Result overridden = run("server", "--config", file.toString(), "--listen", "0.0.0.0:1", "--check");
        assertThat(overridden.code).isEqualTo(2);
        assertThat(overridden.err).startsWith("--listen: listen_http_addr is 0.0.0.0:1");
        assertThat(run("server", "--config", file.toString(), "--listen", "0.0.0.0:1", "--insecure", "--check").code)
                .isZero();
        assertThat(run("server", "--check").err).contains("directory must be given, here or as --dir");
        assertThat(run("server", "--dir", data.toString(), "--pages", "nonsense", "--check").err)
                .isEqualTo("--pages: listen_pg_addr wants HOST:PORT, such as 127.0.0.1:9898, not \"nonsense\"\n");
        Files.writeString(file, "directry = \"" + data + "\"\n");
        assertThat(run("server", "--config", file.toString(), "--check").err)
                .isEqualTo(file + ":1: directry is no setting; did you mean directory?\n");
        assertThat(data).doesNotExist();
        Result printed = run("server", "--print-config");
        assertThat(printed.out).isEqualTo(Files.readString(Path.of("../deploy/palimpsest.toml")));
    }
}
