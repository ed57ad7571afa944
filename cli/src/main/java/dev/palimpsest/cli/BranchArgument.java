package dev.palimpsest.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Which branch a command is about, and on which server. */
final class BranchArgument {
    @Parameters(index = "0", paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Mixin
    private ServerAddress server = new ServerAddress();

    String name() {
        return name;
    }

    /** The path of the branch in the server's API. */
    String path() {
        return ServerClient.branch(name);
    }

    /** The caller closes it. */
    ServerClient connect() throws ServerFailure {
        return server.connect();
    }
}
