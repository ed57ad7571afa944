package dev.palimpsest.cli;

import dev.palimpsest.pageserver.OpenObjectStore;
import dev.palimpsest.pageserver.StorageLocation;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.check.CheckProgress;
import dev.palimpsest.storage.check.DeepSettings;
import dev.palimpsest.storage.check.StorageCheck;
import dev.palimpsest.storage.check.StorageReport;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.Tasks;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest storage check}: whether everything is in an object store that a server would want. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = "Walk an object store: the claims, manifests and index parts of every tenant, every layer that is"
                + " named there, ancestors and branch points; and what nobody names. Only reads, and may run"
                + " beside a server. Exit code 0 if nothing is wrong, 1 if something is, 2 if it could not be"
                + " checked.")
final class StorageCheckCommand implements Callable<Integer> {
    private static final int NOT_CHECKED = 2;

    @Parameters(arity = "0..1", paramLabel = "URL", description = "s3://BUCKET/PREFIX, or a directory of objects")
    private @Nullable String url;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "the directory of a server that keeps its history there, instead of a URL")
    private @Nullable Path directory;

    @Mixin
    private ServiceOptions service = new ServiceOptions();

    @Option(
            names = "--deep",
            description = "download every layer and compare every block of it; damage is told with its offset")
    private boolean deep;

    @Option(
            names = "--jobs",
            paramLabel = "N",
            defaultValue = "2",
            description = "how many layers --deep reads at once, each a temporary file; default: ${DEFAULT-VALUE}")
    private int jobs;

    @Option(
            names = "--temp",
            paramLabel = "DIR",
            description = "where --deep keeps the layers that it is reading; default: the system's")
    private @Nullable Path temporary;

    @Option(names = "--json", description = "print one JSON object instead of text")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        StorageLocation location = location();
        if (jobs < 1) {
            throw new ParameterException(spec.commandLine(), "--jobs is 1 or more, not " + jobs);
        }
        StorageReport report;
        try {
            report = check(location);
        } catch (IOException | StorageException e) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("palimpsest: could not be checked: " + Failures.describe(e));
            err.flush();
            return NOT_CHECKED;
        }
        PrintWriter out = spec.commandLine().getOut();
        StorageReportDisplay display = new StorageReportDisplay(report, deep);
        if (json) {
            display.printJson(out);
        } else {
            display.print(out);
        }
        out.flush();
        return report.problems().isEmpty() ? 0 : 1;
    }

    private StorageLocation location() {
        if ((url == null) == (directory == null)) {
            throw new ParameterException(spec.commandLine(), "Give either a URL or --dir");
        }
        if (url != null) {
            return service.location(spec.commandLine(), "URL", url, Map.of());
        }
        service.refuseWithout(spec.commandLine(), "a URL");
        return new StorageLocation.LocalDirectory(
                directory.toAbsolutePath().normalize().resolve("objects"));
    }

    private StorageReport check(StorageLocation location) throws IOException, StorageException {
        SystemClock clock = new SystemClock();
        Tasks tasks = new VirtualThreadTasks(clock);
        LayerIo io = LayerFiles.io();
        try (OpenObjectStore store = OpenObjectStore.openForReading(
                location,
                io.disk(),
                new Environment(clock, tasks, new SplittableRandom()),
                RemoteSettings.DEFAULT,
                new PrometheusRegistry(),
                LayerFiles.context())) {
            if (!deep) {
                return new StorageCheck(store.objects(), Optional.empty(), CheckProgress.NONE, LayerFiles.context())
                        .run();
            }
            Path scratch = temporary == null
                    ? Files.createTempDirectory("palimpsest-check-")
                    : Files.createTempDirectory(temporary, "palimpsest-check-");
            boolean terminal = !json
                    && Optional.ofNullable(System.console())
                            .map(Console::isTerminal)
                            .orElse(false);
            CheckDisplay progress = new CheckDisplay(spec.commandLine().getOut(), terminal);
            try {
                DeepSettings settings = new DeepSettings(io, tasks, scratch, jobs);
                return new StorageCheck(store.objects(), Optional.of(settings), progress::show, LayerFiles.context())
                        .run();
            } finally {
                progress.end();
                Files.deleteIfExists(scratch);
            }
        }
    }
}
