package dev.palimpsest.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The options that say which server a command asks, and as whom. There is none that takes a token itself: everybody on the
 * machine sees the options of everybody's processes.
 */
final class ServerAddress {
    static final String DEFAULT = "http://127.0.0.1:9898";
    static final String TOKEN = "PALIMPSEST_TOKEN";

    @Option(
            names = "--server",
            paramLabel = "URL",
            defaultValue = "${env:PALIMPSEST_SERVER:-" + DEFAULT + "}",
            description = "the server to ask; default: $PALIMPSEST_SERVER, or else " + DEFAULT)
    private URI server = URI.create(DEFAULT);

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            defaultValue = "${env:PALIMPSEST_TOKEN_FILE}",
            description =
                    "where the token is that the server asks for; default: $PALIMPSEST_TOKEN_FILE, or else the token in "
                            + "$PALIMPSEST_TOKEN, or else none")
    private @Nullable Path tokenFile;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            defaultValue = "${env:PALIMPSEST_CA}",
            description =
                    "certificates in PEM, of which one must vouch for the server; default: $PALIMPSEST_CA, or else those "
                            + "of Java")
    private @Nullable Path authorities;

    URI url() {
        return server;
    }

    /** The caller closes it. */
    ServerClient connect() throws ServerFailure {
        return new ServerClient(server, token(), Optional.ofNullable(authorities));
    }

    private Optional<String> token() throws ServerFailure {
        if (tokenFile == null) {
            return Optional.ofNullable(System.getenv(TOKEN)).map(String::strip).filter(token -> !token.isEmpty());
        }
        try {
            return Optional.of(
                    Files.readString(tokenFile, StandardCharsets.UTF_8).strip());
        } catch (IOException e) {
            throw new ServerFailure("the token cannot be read from " + tokenFile + ": " + Failures.describe(e), e);
        }
    }
}
