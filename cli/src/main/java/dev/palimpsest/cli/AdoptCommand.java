package dev.palimpsest.cli;

import dev.palimpsest.pageserver.adopt.AdoptException;
import dev.palimpsest.pageserver.adopt.AdoptPlan;
import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.postgres.Lsn;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest adopt}: makes a branch of a base backup and archived WAL. */
@Command(
        name = "adopt",
        mixinStandardHelpOptions = true,
        description = "Make a branch of a base backup and of archived WAL, which are sent to the server from here. The"
                + " branch follows nothing. Ctrl-C ends it, and nothing is left of it.")
final class AdoptCommand implements Callable<Integer> {
    private static final long POLL_MS = 250;

    @Parameters(
            paramLabel = "DIR|TAR",
            description = "a base backup (of pg_basebackup -Fp, or made with pg_backup_start), the data directory of a"
                    + " server that was stopped, a directory with base.tar (of pg_basebackup -Ft), or a tar"
                    + " archive of any of them; archives may end in .gz, .zst or .lz4")
    private Path path = Path.of("");

    @Option(names = "--name", paramLabel = "NAME", required = true, description = "of the new branch")
    private String name = "";

    @Option(
            names = "--wal",
            paramLabel = "DIR",
            description = "a directory with archived WAL segments and timeline histories, as archive_command or"
                    + " pg_receivewal put them there, compressed or not; may be given several times")
    private List<Path> archives = List.of();

    @Option(
            names = "--to",
            paramLabel = "LSN|TIME",
            converter = MomentOption.class,
            defaultValue = "latest",
            description = "up to when WAL is replayed: " + MomentOption.FORMS + "; default: ${DEFAULT-VALUE}")
    private Moment to = Moment.LATEST;

    @Option(
            names = "--pitr-interval",
            paramLabel = "TIME",
            converter = DurationOption.class,
            description = "one can go back to any moment of the last so long, such as 90d; default: the server's")
    private @Nullable Duration pitrInterval;

    @Option(
            names = "--gc-horizon",
            paramLabel = "SIZE",
            converter = SizeOption.class,
            description = "so much WAL before the end is kept, such as 64MB, whatever its age; default: the server's")
    private @Nullable Long gcHorizon;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    private volatile boolean enough;
    private volatile boolean ended;

    @Override
    public Integer call() throws IOException, ServerFailure {
        PrintWriter err = spec.commandLine().getErr();
        Lsn until = to instanceof Moment.AtLsn(Lsn lsn) ? lsn : null;
        try (AdoptPlan plan = AdoptPlan.of(path, archives, until, to instanceof Moment.AtTime);
                ServerClient client = server.connect()) {
            plan.warnings().forEach(warning -> err.println("palimpsest: warning: " + warning));
            err.flush();
            AttachProgress progress = send(plan, client);
            spec.commandLine()
                    .getOut()
                    .printf(
                            "%s is ready: base backup from %s, %s in %s pages; WAL of %s segments; readable from %s to"
                                    + " %s%n",
                            name,
                            progress.startLsn(),
                            Display.bytes(progress.receivedBytes()),
                            Display.count(progress.pages()),
                            Display.count(plan.segments()),
                            progress.endLsn(),
                            progress.reached());
            return 0;
        } catch (AdoptException e) {
            throw new ServerFailure(String.valueOf(e.getMessage()), e);
        }
    }

    private String resource() {
        return "/palimpsest/v1/adopt/" + ServerClient.encode(name);
    }

    private String query() {
        String query = "?to=" + ServerClient.encode(to.toString());
        if (pitrInterval != null) {
            query += "&pitr_interval=" + ServerClient.encode(Units.print(pitrInterval));
        }
        return gcHorizon == null ? query : query + "&gc_horizon=" + gcHorizon;
    }

    private AttachProgress send(AdoptPlan plan, ServerClient client) throws IOException, ServerFailure {
        AttachDisplay display = new AttachDisplay(
                spec.commandLine().getErr(),
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false));
        Thread watching = Thread.ofVirtual().unstarted(() -> watch(client, display));
        try {
            return client.upload(
                    resource() + query(),
                    HttpApi.TAR_TYPE,
                    out -> {
                        watching.start();
                        plan.send(out, () -> enough);
                    },
                    AttachProgress.class);
        } catch (ServerClient.ConnectionBrokenException e) {
            AttachProgress progress = progress(client);
            if (progress != null && progress.failure() != null) {
                throw new ServerFailure(progress.failure(), e);
            }
            throw e;
        } finally {
            ended = true;
            watching.interrupt();
            display.end();
        }
    }

    private @Nullable AttachProgress progress(ServerClient client) {
        try {
            return client.get(resource(), AttachProgress.class);
        } catch (IOException | ServerFailure e) {
            return null;
        }
    }

    private void watch(ServerClient client, AttachDisplay display) {
        try {
            while (!ended && !enough) {
                AttachProgress progress = progress(client);
                if (progress != null && !ended) {
                    enough = progress.done();
                    display.show(progress);
                }
                Thread.sleep(POLL_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
