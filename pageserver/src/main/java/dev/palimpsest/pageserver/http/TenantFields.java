package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.config.TenantConfiguration;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A body with settings of a tenant, and with whose they are. Whether they are good is for {@link TenantConfiguration}. */
final class TenantFields extends LinkedHashMap<String, @Nullable Object> {
    static final String TENANT = "tenant_id";
    private static final long serialVersionUID = 1;

    TenantFields() {}

    /** Says in a schema what there can be. */
    static void describe(ObjectNode schema) {
        schema.put("type", "object").put("additionalProperties", false);
        schema.putArray("required").add(TENANT);
        ObjectNode fields = schema.putObject("properties");
        fields.putObject(TENANT).put("type", "string");
        TenantConfiguration.possible().forEach((name, setting) -> {
            int dot = name.indexOf('.');
            ObjectNode among = dot < 0 ? fields : table(fields, name.substring(0, dot));
            among.putObject(name.substring(dot + 1)).put("description", setting.meaning());
        });
    }

    private static ObjectNode table(ObjectNode fields, String name) {
        ObjectNode table = fields.withObjectProperty(name);
        table.putArray("type").add("object").add("null");
        table.put("additionalProperties", false);
        return table.withObjectProperty("properties");
    }
}
