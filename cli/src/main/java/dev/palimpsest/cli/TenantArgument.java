package dev.palimpsest.cli;

import picocli.CommandLine.Parameters;

/** Which tenant. */
final class TenantArgument {
    @Parameters(index = "0", paramLabel = "TENANT", description = "the tenant's ID, as tenant list shows it")
    private String id = "";

    String id() {
        return id;
    }

    /** Its path in the part of the API that is Palimpsest's own. */
    String ours() {
        return TenantListCommand.PATH + "/" + ServerClient.encode(id);
    }

    /** Its path in the part of the API that is Neon's too. */
    String neons() {
        return "/v1/tenant/" + ServerClient.encode(id);
    }
}
