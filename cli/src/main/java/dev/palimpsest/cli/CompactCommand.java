package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.CompactionView;
import dev.palimpsest.pageserver.branch.HistoryCompactionView;
import dev.palimpsest.pageserver.http.Requests;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest compact}: rewrites layers so that reads visit fewer. */
@Command(
        name = "compact",
        mixinStandardHelpOptions = true,
        description =
                "Compact the L0 layers of a branch, if there are enough of them. The server does so by itself too.")
final class CompactCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Option(names = "--images", description = "make image layers too, where enough deltas lie one upon another")
    private boolean images;

    @Option(names = "--force", description = "even where thresholds are not reached")
    private boolean force;

    @Option(
            names = "--history",
            description =
                    "instead rewrite the layers below what GC has left readable, so that they have only what branches and"
                            + " leases need there")
    private boolean history;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        if (history && (images || force)) {
            throw new ParameterException(spec.commandLine(), "--history goes without --images and --force");
        }
        try (ServerClient client = target.connect()) {
            if (history) {
                return history(client);
            }
            CompactionView done =
                    client.put(target.path() + "/compact", new Requests.Compact(images, force), CompactionView.class);
            PrintWriter out = spec.commandLine().getOut();
            out.printf(
                    "%s read, %s; %s written, %s%n",
                    Display.counted(done.l0LayersRead(), "L0 layer"),
                    Display.bytes(done.bytesRead()),
                    Display.counted(done.deltaLayersWritten(), "delta layer"),
                    Display.bytes(done.deltaBytesWritten()));
            if (images) {
                out.printf(
                        "%s written, %s%n",
                        Display.counted(done.imageLayersWritten(), "image layer"),
                        Display.bytes(done.imageBytesWritten()));
            }
            out.printf("branch %s is compacted, in %s%n", target.name(), Display.seconds(done.elapsed()));
            return 0;
        }
    }

    private int history(ServerClient client) throws IOException, ServerFailure {
        HistoryCompactionView done =
                client.put(target.path() + "/compact-history", Map.of(), HistoryCompactionView.class);
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "%s read, %s; %s written, %s; %s removed, %s%n",
                Display.counted(done.layersRead(), "layer"),
                Display.bytes(done.bytesRead()),
                Display.counted(done.layersWritten(), "layer"),
                Display.bytes(done.bytesWritten()),
                Display.counted(done.layersRemoved(), "layer"),
                Display.bytes(done.bytesRemoved()));
        out.printf("of %d values %d are dropped%n", done.valuesRead(), done.valuesRead() - done.valuesKept());
        out.printf("the history of branch %s is compacted, in %s%n", target.name(), Display.seconds(done.elapsed()));
        return 0;
    }
}
