package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.walreceiver.FollowState;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest branch show}. */
@Command(name = "show", mixinStandardHelpOptions = true, description = "Show everything that is known of a branch.")
final class BranchShowCommand implements Callable<Integer> {
    @Parameters(paramLabel = "BRANCH", description = "its name")
    private String name = "";

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            BranchView branch = client.get(ServerClient.branch(name), BranchView.class);
            line("branch", branch.name());
            line("state", StatusCommand.state(branch));
            line("PostgreSQL", branch.pgVersion());
            if (branch.branchedAt() != null) {
                line("comes from", (branch.parent() == null ? "?" : branch.parent()) + " at " + branch.branchedAt());
            }
            line("created", Display.time(branch.created()));
            line("readable", branch.readableFrom() + " to " + branch.lastRecordLsn());
            line("durable to", branch.diskConsistentLsn());
            line(
                    "layers",
                    Display.count(branch.layers()) + ", " + Display.bytes(branch.layerBytes()) + ", "
                            + Display.bytes(branch.residentBytes()) + " of it on the local disk");
            BranchView.Downloads downloads = branch.downloads();
            if (downloads.running() + downloads.waiting() > 0) {
                line(
                        "downloads",
                        downloads.running() + ", and " + downloads.waiting() + " waiting: "
                                + Display.bytes(downloads.received()) + " of " + Display.bytes(downloads.bytes()));
            }
            if (branch.source() != null) {
                line("source", branch.source());
            }
            if (branch.follow() != null) {
                follow(branch, branch.follow());
            }
            line("tenant", branch.tenant());
            line("timeline", branch.timeline());
            return 0;
        }
    }

    private void follow(BranchView branch, FollowState follow) {
        line("received", follow.received() + " of " + follow.sourceEnd());
        if (branch.lagBytes() >= 0) {
            line(
                    "behind",
                    Display.bytes(branch.lagBytes())
                            + (branch.lagSeconds() < 0 ? "" : ", " + Display.seconds(branch.lagSeconds())));
        }
        if (follow.lastCommit() != null) {
            line("last commit", Display.time(follow.lastCommit()));
        }
        if (follow.lastMessage() != null) {
            line("last heard", Display.time(follow.lastMessage()));
        }
        if (follow.problem() != null) {
            line("problem", follow.problem());
        }
    }

    private void line(String title, Object value) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%-12s %s%n", title, value);
    }
}
