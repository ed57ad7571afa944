package dev.palimpsest.pageserver.upstream;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority, a server's certificate for localhost and a client's for user certified, made with the JDK's keytool. */
public record Certificates(Path directory) {
    private static final String PASSWORD = "secret";

    /** Makes all of them. */
    public static Certificates make(Path directory) throws Exception {
        Certificates made = new Certificates(directory);
        made.newKey("ca", "CN=authority", "-ext", "bc:c");
        made.newKey("stranger", "CN=stranger", "-ext", "bc:c");
        made.newKey("server", "CN=localhost", "-ext", "san=dns:localhost", "-signer", "ca");
        made.newKey("client", "CN=certified", "-signer", "ca");
        made.export("ca", "stranger", "server", "client");
        return made;
    }

    private void export(String... names) throws Exception {
        KeyStore store = KeyStore.getInstance(file("keys.p12").toFile(), PASSWORD.toCharArray());
        for (String name : names) {
            write(name + ".crt", "CERTIFICATE", store.getCertificate(name).getEncoded());
            write(
                    name + ".key",
                    "PRIVATE KEY",
                    store.getKey(name, PASSWORD.toCharArray()).getEncoded());
        }
    }

    /** Made once for all tests that change nothing of it; with a second certificate for localhost, of the stranger. */
    private static final class Shared {
        private static final Certificates MADE;

        static {
            try {
                MADE = make(Files.createTempDirectory("certificates"));
                MADE.newKey("second", "CN=localhost", "-ext", "san=dns:localhost", "-signer", "stranger");
                MADE.export("second");
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            Runtime.getRuntime().addShutdownHook(new Thread(Shared::delete));
        }

        private static void delete() {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(MADE.directory())) {
                for (Path file : files) {
                    Files.delete(file);
                }
                Files.delete(MADE.directory());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Those that all tests share, which change nothing of them. */
    public static Certificates shared() {
        return Shared.MADE;
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    private void newKey(String name, String subject, String... more) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(
                List.of("-genkeypair", "-alias", name, "-keyalg", "EC", "-groupname", "secp256r1", "-dname", subject));
        arguments.addAll(List.of("-validity", "3650"));
        arguments.addAll(List.of(more));
        keytool(arguments.toArray(String[]::new));
    }

    private void write(String name, String type, byte[] der) throws IOException {
        String base64 = Base64.getMimeEncoder().encodeToString(der);
        Files.writeString(file(name), "-----BEGIN " + type + "-----\n" + base64 + "\n-----END " + type + "-----\n");
        Files.setPosixFilePermissions(file(name), PosixFilePermissions.fromString("rw-------"));
    }

    private void keytool(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(List.of("-keystore", file("keys.p12").toString(), "-storepass", PASSWORD));
        Path log = file("keytool.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IOException("keytool failed: " + Files.readString(log));
        }
    }

    String serverCertificate() throws IOException {
        return Files.readString(file("server.crt"));
    }

    String serverKey() throws IOException {
        return Files.readString(file("server.key"));
    }

    String authority() throws IOException {
        return Files.readString(authorityFile());
    }

    /** Of the authority. */
    public Path authorityFile() {
        return file("ca.crt");
    }

    /** Of an authority that has nothing to do with it. */
    public Path strangerFile() {
        return file("stranger.crt");
    }

    /** The server's. */
    public Path serverCertificateFile() {
        return file("server.crt");
    }

    /** The server's. */
    public Path serverKeyFile() {
        return file("server.key");
    }

    /** Another server's, of whom the stranger vouches; only of the shared ones. */
    public Path secondCertificateFile() {
        return file("second.crt");
    }

    /** Its key. */
    public Path secondKeyFile() {
        return file("second.key");
    }

    Path clientCertificateFile() {
        return file("client.crt");
    }

    Path clientKeyFile() {
        return file("client.key");
    }
}
