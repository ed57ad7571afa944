package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.FlushView;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest flush}: makes what was taken in durable now. */
@Command(
        name = "flush",
        mixinStandardHelpOptions = true,
        description = "Write what a branch took in so far to layer files, upload them, and wait for it.")
final class FlushCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            FlushView flushed = client.put(target.path() + "/flush", FlushView.class);
            spec.commandLine()
                    .getOut()
                    .printf(
                            "branch %s is durable up to %s: %s of values in %s written and uploaded, %s of WAL, in %s%n",
                            target.name(),
                            flushed.remoteConsistentLsn(),
                            Display.bytes(flushed.bytes()),
                            Display.counted(flushed.layers(), "layer"),
                            Display.bytes(flushed.walBytes()),
                            Display.seconds(flushed.elapsed()));
            return 0;
        }
    }
}
