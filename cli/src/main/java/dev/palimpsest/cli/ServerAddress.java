package dev.palimpsest.cli;

import java.net.URI;
import picocli.CommandLine.Option;

/** The option that says which server a command asks. */
final class ServerAddress {
    static final String DEFAULT = "http://127.0.0.1:9898";

    @Option(
            names = "--server",
            paramLabel = "URL",
            defaultValue = "${env:PALIMPSEST_SERVER:-" + DEFAULT + "}",
            description = "the server to ask; default: $PALIMPSEST_SERVER, or else " + DEFAULT)
    private URI server = URI.create(DEFAULT);

    /** The caller closes it. */
    ServerClient connect() {
        return new ServerClient(server);
    }
}
