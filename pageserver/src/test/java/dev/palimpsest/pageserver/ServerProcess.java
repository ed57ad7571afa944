package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.branch.AttachProgress;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A server in a process of its own, to be killed: attaches what it is given unless it has it, and says when it follows. */
final class ServerProcess {
    static final String BRANCH = "prod";
    static final String FOLLOWING = "following";

    private ServerProcess() {}

    /** @param arguments the directory, and a connection string */
    public static void main(String[] arguments) throws Exception {
        Server server = Server.open(new ServerOptions(Path.of(arguments[0]), ServerOptions.DEFAULT_HOST, 0, null));
        if (server.branches().list().isEmpty()) {
            AttachProgress progress = server.branches().attach(BRANCH, arguments[1], null);
            while (!progress.done()) {
                Thread.sleep(10);
                progress = server.branches().attachProgress(BRANCH);
            }
            if (progress.failure() != null) {
                throw new IllegalStateException(progress.failure());
            }
        }
        System.out.println(FOLLOWING);
        new CountDownLatch(1).await();
    }
}
