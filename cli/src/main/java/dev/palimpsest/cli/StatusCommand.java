package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.BrokenJob;
import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.branch.HistoryRunView;
import dev.palimpsest.pageserver.http.ApiJson;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.tenant.TenantView;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;

/** {@code palimpsest status}: how everything stands. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description =
                "Show all branches: up to where they can be read and survive a crash, how far they are behind what "
                        + "they follow, and how much they take; and the endpoints.")
final class StatusCommand implements Callable<Integer> {
    /** All there is, in one document. */
    private record Everything(
            List<BranchView> branches,
            List<EndpointView> endpoints,
            List<AttachProgress> attachments,
            List<TenantView> tenants) {}

    @Option(names = "--json", description = "print everything that is known, as JSON")
    private boolean json;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            List<BranchView> branches = client.get("/palimpsest/v1/branch", Responses.Branches.class)
                    .branches();
            List<EndpointView> endpoints = client.get("/palimpsest/v1/endpoint", Responses.Endpoints.class)
                    .endpoints();
            List<AttachProgress> attachments = client.get("/palimpsest/v1/attach", Responses.Attachments.class)
                    .attachments();
            List<TenantView> tenants =
                    client.get(TenantListCommand.PATH, Responses.Tenants.class).tenants();
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                out.println(ApiJson.mapper()
                        .writer()
                        .with(SerializationFeature.INDENT_OUTPUT)
                        .writeValueAsString(new Everything(branches, endpoints, attachments, tenants)));
            } else {
                TenantListCommand.printProblems(tenants, out);
                print(branches, endpoints, attachments, out);
            }
            return 0;
        }
    }

    private static void print(
            List<BranchView> branches,
            List<EndpointView> endpoints,
            List<AttachProgress> attachments,
            PrintWriter out) {
        for (AttachProgress attachment : attachments) {
            out.println(attachment.branch() + " is being attached: " + AttachDisplay.line(attachment));
        }
        if (branches.isEmpty() && attachments.isEmpty()) {
            out.println("Nothing is attached yet. Begin with: palimpsest attach \"host=… user=…\" --name NAME");
        }
        if (branches.isEmpty()) {
            return;
        }
        Table table = new Table("BRANCH", "PG", "STATE", "LAST LSN", "DURABLE", "BEHIND", "LAYERS", "SIZE", "SOURCE");
        for (BranchView branch : branches) {
            table.add(
                    branch.name(),
                    Integer.toString(branch.pgVersion()),
                    state(branch),
                    branch.lastRecordLsn().toString(),
                    branch.remoteConsistentLsn().toString(),
                    behind(branch),
                    Integer.toString(branch.layers()),
                    Display.bytes(branch.layerBytes()),
                    source(branch));
        }
        table.print(out);
        for (BranchView branch : branches) {
            if (branch.follow() != null && branch.follow().problem() != null) {
                out.println(branch.name() + ": " + branch.follow().problem());
            }
            for (BrokenJob job : branch.brokenJobs()) {
                out.println(branch.name() + ": " + broken(job));
            }
            if (branch.historyCompaction() != null && branch.historyCompaction().running()) {
                out.println(branch.name() + ": " + running(branch.historyCompaction()));
            }
        }
        if (!endpoints.isEmpty()) {
            out.println();
            EndpointListCommand.print(endpoints, out);
        }
    }

    /** What keeps failing, in a line. */
    static String broken(BrokenJob job) {
        return job.job() + " keeps failing, " + job.failures() + " times in a row: " + job.lastFailure();
    }

    /** What goes on, in a line. */
    static String running(HistoryRunView run) {
        return "history is being compacted, for " + Display.seconds(run.elapsed()) + ": " + done(run);
    }

    /** What compaction of history did, or has done so far. */
    static String done(HistoryRunView run) {
        return Display.counted(run.pieces(), "piece") + ", " + Display.bytes(run.bytesRead()) + " read, "
                + Display.bytes(run.bytesWritten()) + " written, "
                + Display.counted(run.layersRemoved(), "layer") + " with " + Display.bytes(run.bytesRemoved())
                + " removed";
    }

    private static String source(BranchView branch) {
        if (branch.source() != null) {
            return branch.source();
        }
        return branch.parent() == null ? "-" : "branch of " + branch.parent() + " from " + branch.branchedAt();
    }

    /** What it does: what following does, once the branch is there. */
    static String state(BranchView branch) {
        if (branch.phase() == BranchView.Phase.READY && branch.follow() != null) {
            return words(branch.follow().phase());
        }
        return words(branch.phase());
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String behind(BranchView branch) {
        if (branch.lagBytes() < 0) {
            return "-";
        }
        return Display.bytes(branch.lagBytes())
                + (branch.lagSeconds() < 0 ? "" : ", " + Display.seconds(branch.lagSeconds()));
    }
}
