package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.http.Requests;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest attach}: takes in a running PostgreSQL. */
@Command(
        name = "attach",
        mixinStandardHelpOptions = true,
        description =
                "Take in a running PostgreSQL: a base backup first, then its WAL as it comes, through a replication slot "
                        + "that is made there. Waits until the branch can be read; Ctrl-C stops only the waiting.")
final class AttachCommand implements Callable<Integer> {
    private static final long POLL_MS = 250;

    @Parameters(
            paramLabel = "CONNINFO",
            description = "how to connect, as for psql: \"host=… port=… user=…\" or postgresql://…; the user needs the "
                    + "attribute REPLICATION")
    private String connection = "";

    @Option(names = "--name", paramLabel = "NAME", required = true, description = "of the new branch")
    private String name = "";

    @Option(names = "--slot", paramLabel = "SLOT", description = "the physical slot to make; default: palimpsest_NAME")
    private @Nullable String slot;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        PrintWriter err = spec.commandLine().getErr();
        AttachDisplay display = new AttachDisplay(
                err,
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false));
        Thread leaving = Thread.ofPlatform().unstarted(() -> {
            display.end();
            err.println("palimpsest: attaching " + name + " goes on in the server; see palimpsest status");
            err.flush();
        });
        try (ServerClient client = server.connect()) {
            AttachProgress progress = client.post(
                    "/palimpsest/v1/attach", new Requests.Attach(name, connection, slot), AttachProgress.class);
            progress.warnings().forEach(warning -> err.println("palimpsest: warning: " + warning));
            Runtime.getRuntime().addShutdownHook(leaving);
            try {
                while (!progress.done()) {
                    display.show(progress);
                    Thread.sleep(POLL_MS);
                    progress = client.get("/palimpsest/v1/attach/" + ServerClient.encode(name), AttachProgress.class);
                }
            } finally {
                display.end();
                remove(leaving);
            }
            return finished(progress);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted; attaching " + name + " goes on in the server", e);
        }
    }

    private static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // Ctrl-C came at this very moment: the hook runs, and what it says is nearly true.
        }
    }

    private int finished(AttachProgress progress) throws ServerFailure {
        if (progress.failure() != null) {
            throw new ServerFailure(progress.failure());
        }
        spec.commandLine()
                .getOut()
                .printf(
                        "%s is ready: base backup from %s to %s, %s in %s pages; following, now at %s%n",
                        name,
                        progress.startLsn(),
                        progress.endLsn(),
                        Display.bytes(progress.receivedBytes()),
                        Display.count(progress.pages()),
                        progress.reached());
        return 0;
    }
}
