package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.HistoryView;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.http.Requests;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch retain}: how much of a branch's history is kept. */
@Command(
        name = "retain",
        mixinStandardHelpOptions = true,
        description =
                "Keep more or less of a branch's history than the server's settings say. What is gone does not come back.")
final class BranchRetainCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(
            names = "--pitr-interval",
            paramLabel = "TIME",
            converter = DurationOption.class,
            description = "one can go back to any moment of the last so long, such as 2h")
    private @Nullable Duration pitrInterval;

    @Option(
            names = "--gc-horizon",
            paramLabel = "SIZE",
            converter = SizeOption.class,
            description = "so much WAL before the end is kept, such as 64MB, whatever its age")
    private @Nullable Long gcHorizon;

    @Option(names = "--default", description = "go back to what the server's settings say")
    private boolean asServer;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        boolean own = pitrInterval != null || gcHorizon != null;
        if (own == asServer) {
            throw new ParameterException(
                    spec.commandLine(), "say --pitr-interval or --gc-horizon or both; or else --default");
        }
        String path = target.path() + "/retention";
        try (ServerClient client = target.connect()) {
            if (asServer) {
                client.send("DELETE", path, null);
            } else {
                client.send(
                        "PUT",
                        path,
                        new Requests.Retain(pitrInterval == null ? null : Units.print(pitrInterval), gcHorizon));
            }
            HistoryView history = client.get(target.path() + "/history", HistoryView.class);
            spec.commandLine()
                    .getOut()
                    .printf(
                            "branch %s keeps pitr_interval %s, gc_horizon %s%n",
                            target.name(), Units.print(history.pitrInterval()), Display.bytes(history.gcHorizon()));
            return 0;
        }
    }
}
