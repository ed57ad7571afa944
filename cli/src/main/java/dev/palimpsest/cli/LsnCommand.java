package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest lsn}: from a time to its LSN, and back. */
@Command(
        name = "lsn",
        mixinStandardHelpOptions = true,
        description =
                "Print the last LSN of a branch before the first commit after a time; or, for an LSN, when the last "
                        + "commit up to there was.")
final class LsnCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Parameters(index = "1", paramLabel = "TIME|LSN", converter = MomentOption.class, description = MomentOption.FORMS)
    private Moment moment = Moment.LATEST;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            Responses.Position position =
                    client.get(target.path() + "/position?" + MomentOption.parameter(moment), Responses.Position.class);
            if (!(moment instanceof Moment.AtLsn)) {
                spec.commandLine().getOut().println(position.lsn());
                return 0;
            }
            if (position.lastCommit() == null) {
                throw new ServerFailure("no commit up to " + position.lsn() + " is known on branch " + target.name());
            }
            spec.commandLine().getOut().println(Display.time(position.lastCommit()));
            return 0;
        }
    }
}
