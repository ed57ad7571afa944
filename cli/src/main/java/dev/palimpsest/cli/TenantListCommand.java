package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.tenant.TenantLocation;
import dev.palimpsest.pageserver.tenant.TenantState;
import dev.palimpsest.pageserver.tenant.TenantView;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code palimpsest tenant list}. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "List the tenants that the server has, and how it stands with them.")
final class TenantListCommand implements Callable<Integer> {
    static final String PATH = "/palimpsest/v1/tenant";

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            List<TenantView> tenants = client.get(PATH, Responses.Tenants.class).tenants();
            PrintWriter out = spec.commandLine().getOut();
            Table table = new Table("TENANT", "STATE", "BRANCHES", "SIZE", "HERE", "GENERATION");
            for (TenantView tenant : tenants) {
                table.add(
                        tenant.id(),
                        state(tenant),
                        Integer.toString(tenant.branches()),
                        Display.bytes(tenant.layerBytes()),
                        Display.bytes(tenant.residentBytes()),
                        tenant.generation() == null ? "-" : tenant.generation().toString());
            }
            table.print(out);
            printProblems(tenants, out);
            return 0;
        }
    }

    static String state(TenantView tenant) {
        TenantState.Phase phase = tenant.phase();
        return tenant.mode() != TenantLocation.Mode.ATTACHED || phase == null
                ? tenant.mode().name().toLowerCase(Locale.ROOT)
                : phase.name().toLowerCase(Locale.ROOT);
    }

    /** What is wrong with tenants, a line each. */
    static void printProblems(List<TenantView> tenants, PrintWriter out) {
        for (TenantView tenant : tenants) {
            if (tenant.reason() != null) {
                out.println("tenant " + tenant.id() + " is " + state(tenant) + ": " + tenant.reason());
            }
        }
    }
}
