package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.http.Requests;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch create}. */
@Command(
        name = "create",
        mixinStandardHelpOptions = true,
        description = "Make a branch from a moment of another one. Nothing is copied.")
final class BranchCreateCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "of the new branch")
    private String name = "";

    @Option(names = "--from", paramLabel = "BRANCH", required = true, description = "the branch that it leaves")
    private String from = "";

    @Option(
            names = "--at",
            paramLabel = "LSN|TIME",
            converter = MomentOption.class,
            defaultValue = "latest",
            description = MomentOption.FORMS + "; default: ${DEFAULT-VALUE}")
    private Moment at = Moment.LATEST;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            BranchView made = client.post(
                    "/palimpsest/v1/branch", new Requests.CreateBranch(name, from, at.toString()), BranchView.class);
            spec.commandLine()
                    .getOut()
                    .printf("branch %s was made from %s at %s%n", made.name(), from, made.branchedAt());
            return 0;
        }
    }
}
