package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.ApiJson;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;

/** {@code palimpsest tenant config}. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        description = "Show what counts for a tenant, or give it settings of its own, which count at once.")
final class TenantConfigCommand implements Callable<Integer> {
    private record Config(Map<String, Object> tenantSpecificOverrides, Map<String, Object> effectiveConfig) {}

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "a setting for this tenant, such as pitr_interval=14d; one that is a table as JSON; may be given "
                            + "several times")
    private Map<String, String> set = new LinkedHashMap<>();

    @Option(
            names = "--unset",
            paramLabel = "KEY",
            description = "have the server's setting count again; may be given several times")
    private List<String> unset = new ArrayList<>();

    @Mixin
    private TenantArgument tenant = new TenantArgument();

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = server.connect()) {
            if (!set.isEmpty() || !unset.isEmpty()) {
                Map<String, @Nullable Object> body = new TreeMap<>();
                body.put("tenant_id", tenant.id());
                set.forEach((key, value) -> body.put(key, json(value)));
                unset.forEach(key -> body.put(key, null));
                client.send("PATCH", "/v1/tenant/config", body);
            }
            print(client, tenant, spec.commandLine().getOut());
            return 0;
        }
    }

    /** Numbers as such, and objects; everything else is text. */
    private Object json(String value) {
        if (value.startsWith("{")) {
            try {
                return ApiJson.mapper().readValue(value, Map.class);
            } catch (JacksonException e) {
                throw new ParameterException(spec.commandLine(), value + " is no JSON: " + e.getOriginalMessage(), e);
            }
        }
        try {
            return Long.valueOf(value);
        } catch (NumberFormatException e) {
            return value;
        }
    }

    static void print(ServerClient client, TenantArgument tenant, PrintWriter out) throws IOException, ServerFailure {
        Config config = client.get(tenant.neons() + "/config", Config.class);
        Table table = new Table("SETTING", "VALUE", "SET FOR");
        new TreeMap<>(config.effectiveConfig())
                .forEach((key, value) -> table.add(
                        key,
                        value instanceof Map ? ApiJson.mapper().writeValueAsString(value) : String.valueOf(value),
                        config.tenantSpecificOverrides().containsKey(key) ? "this tenant" : "the server"));
        table.print(out);
    }
}
