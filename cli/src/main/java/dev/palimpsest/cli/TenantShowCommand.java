package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.tenant.TenantView;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest tenant show}. */
@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Show how it stands with a tenant, its branches, and what counts for it.")
final class TenantShowCommand implements Callable<Integer> {
    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            TenantView view = client.get(TenantListCommand.PATH, Responses.Tenants.class).tenants().stream()
                    .filter(one -> one.id().equals(tenant.id()))
                    .findFirst()
                    .orElseThrow(() -> new ServerFailure("the server has no tenant " + tenant.id()));
            PrintWriter out = spec.commandLine().getOut();
            out.println("tenant      " + view.id());
            out.println("state       " + TenantListCommand.state(view)
                    + (view.reason() == null ? "" : ": " + view.reason()));
            if (view.generation() != null) {
                out.println("generation  " + view.generation());
            }
            out.println("size        " + Display.bytes(view.layerBytes()) + ", of which "
                    + Display.bytes(view.residentBytes()) + " are on the server's disk");
            List<String> branches = client.get("/palimpsest/v1/branch", Responses.Branches.class).branches().stream()
                    .filter(branch -> branch.tenant().equals(view.id()))
                    .map(BranchView::name)
                    .toList();
            out.println("branches    " + (branches.isEmpty() ? "none" : String.join(", ", branches)));
            if (!branches.isEmpty()) {
                TenantConfigCommand.print(client, tenant, out);
            }
            return 0;
        }
    }
}
