package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.testkit.s3.S3Server;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A server in a process of its own, to be killed: attaches what it is given unless it has it or is
 * attaching it already, and says when it follows.
 */
final class ServerProcess {
    static final String BRANCH = "prod";
    static final String FOLLOWING = "following";

    private ServerProcess() {}

    /** The options of a server in a directory, whose history is in the bucket that a URL names, or in the directory as well. */
    static ServerOptions options(Path directory, @Nullable String storage) {
        ServerOptions options = new ServerOptions(directory, ServerOptions.DEFAULT_HOST, 0, null);
        if (storage == null) {
            return options;
        }
        Map<String, String> keys = Map.of("access-key", S3Server.ACCESS_KEY, "secret-key", S3Server.SECRET_KEY);
        return options.withStorage(StorageLocation.parse(storage, keys));
    }

    /** @param arguments the directory, a connection string, and the URL of a bucket or nothing */
    @SuppressWarnings("CatchAndPrintStackTrace") // it is what the test shows of a server that ended
    public static void main(String[] arguments) {
        try {
            follow(arguments);
        } catch (Exception e) {
            e.printStackTrace(System.out);
            Runtime.getRuntime().halt(1); // the server's threads would keep the process, and so the test, waiting
        }
    }

    private static void follow(String[] arguments) throws Exception {
        Server server = Server.open(options(Path.of(arguments[0]), arguments.length > 2 ? arguments[2] : null));
        Branches branches = server.branches();
        if (branches.list().isEmpty() && branches.attachments().isEmpty()) {
            branches.attach(BRANCH, arguments[1], null);
        }
        while (!branches.attachments().isEmpty()) {
            Thread.sleep(10);
            for (AttachProgress progress : branches.attachments()) {
                if (progress.failure() != null) {
                    throw new IllegalStateException(progress.failure());
                }
            }
        }
        System.out.println(FOLLOWING);
        new CountDownLatch(1).await();
    }
}
