package dev.palimpsest.pageserver.upstream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority, a server's certificate for localhost and a client's for user certified, made with the JDK's keytool. */
record Certificates(Path directory) {
    private static final String PASSWORD = "secret";

    static Certificates make(Path directory) throws Exception {
        Certificates made = new Certificates(directory);
        made.newKey("ca", "CN=authority", "-ext", "bc:c");
        made.newKey("stranger", "CN=stranger", "-ext", "bc:c");
        made.newKey("server", "CN=localhost", "-ext", "san=dns:localhost", "-signer", "ca");
        made.newKey("client", "CN=certified", "-signer", "ca");
        KeyStore store = KeyStore.getInstance(directory.resolve("keys.p12").toFile(), PASSWORD.toCharArray());
        for (String name : List.of("ca", "stranger", "server", "client")) {
            made.write(name + ".crt", "CERTIFICATE", store.getCertificate(name).getEncoded());
            made.write(
                    name + ".key",
                    "PRIVATE KEY",
                    store.getKey(name, PASSWORD.toCharArray()).getEncoded());
        }
        return made;
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

    Path authorityFile() {
        return file("ca.crt");
    }

    Path strangerFile() {
        return file("stranger.crt");
    }

    Path clientCertificateFile() {
        return file("client.crt");
    }

    Path clientKeyFile() {
        return file("client.key");
    }
}
