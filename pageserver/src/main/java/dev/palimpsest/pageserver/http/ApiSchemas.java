package dev.palimpsest.pageserver.http;

import com.fasterxml.classmate.ResolvedType;
import com.github.victools.jsonschema.generator.CustomDefinition;
import com.github.victools.jsonschema.generator.FieldScope;
import com.github.victools.jsonschema.generator.Option;
import com.github.victools.jsonschema.generator.OptionPreset;
import com.github.victools.jsonschema.generator.SchemaBuilder;
import com.github.victools.jsonschema.generator.SchemaGenerationContext;
import com.github.victools.jsonschema.generator.SchemaGenerator;
import com.github.victools.jsonschema.generator.SchemaGeneratorConfigBuilder;
import com.github.victools.jsonschema.generator.SchemaVersion;
import com.github.victools.jsonschema.generator.impl.DefinitionKey;
import com.github.victools.jsonschema.generator.naming.DefaultSchemaDefinitionNamingStrategy;
import dev.palimpsest.postgres.Lsn;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON schemas of what {@link ApiJson} writes and reads. What is written has all its fields, some of which may be null; in what
 * is read every field that may be null may be left out. Not for use by several threads at once.
 */
final class ApiSchemas {
    private static final String PLACE = "components/schemas";
    private static final Set<String> ONLY_PLACES = Set.of("Requests", "Responses");

    private final SchemaBuilder schemas;

    private ApiSchemas(boolean fieldsAreRequired, Map<Class<?>, Set<String>> required, String suffix) {
        SchemaGeneratorConfigBuilder config = new SchemaGeneratorConfigBuilder(
                        ApiJson.mapper(), SchemaVersion.DRAFT_2020_12, OptionPreset.PLAIN_JSON)
                .with(Option.DEFINITIONS_FOR_ALL_OBJECTS)
                .with(Option.PLAIN_DEFINITION_KEYS, Option.INLINE_NULLABLE_SCHEMAS)
                .without(Option.SCHEMA_VERSION_INDICATOR);
        config.forTypesInGeneral()
                .withCustomDefinitionProvider(ApiSchemas::written)
                .withDefinitionNamingStrategy(new Names(suffix));
        config.forFields()
                .withPropertyNameOverrideResolver(field -> jsonName(field.getDeclaredName()))
                .withNullableCheck(ApiSchemas::mayBeNull)
                .withRequiredCheck(
                        field -> required.getOrDefault(field.getDeclaringType().getErasedType(), Set.of())
                                        .contains(jsonName(field.getDeclaredName()))
                                || fieldsAreRequired
                                || !mayBeNull(field));
        this.schemas = new SchemaGenerator(config.build()).buildMultipleSchemaDefinitions();
    }

    /** Of what is answered. */
    static ApiSchemas ofAnswers() {
        return new ApiSchemas(true, Map.of(), "");
    }

    /**
     * Of what is asked.
     *
     * @param required fields that must be there though they may be null in the record, by their names in JSON
     */
    static ApiSchemas ofRequests(Map<Class<?>, Set<String>> required) {
        return new ApiSchemas(false, required, "Request");
    }

    /** A schema, or where it is among {@link #definitions}. */
    ObjectNode of(Class<?> type) {
        return schemas.createSchemaReference(type);
    }

    /** All that {@link #of} refers to, by name; to be asked last. */
    ObjectNode definitions() {
        return schemas.collectDefinitions(PLACE);
    }

    private static String jsonName(String field) {
        return PropertyNamingStrategies.SNAKE_CASE.nameForField(null, null, field);
    }

    private static boolean mayBeNull(FieldScope field) {
        return field.getRawMember().getAnnotatedType().isAnnotationPresent(Nullable.class);
    }

    /** What is written otherwise than its fields say. */
    private static @Nullable CustomDefinition written(ResolvedType type, SchemaGenerationContext context) {
        Class<?> written = type.getErasedType();
        ObjectNode schema = ApiJson.mapper().createObjectNode();
        if (written == Lsn.class) {
            schema.put("type", "string").put("pattern", "^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$");
        } else if (written == Instant.class) {
            schema.put("type", "string").put("format", "date-time");
        } else if (written == Duration.class) {
            schema.put("type", "string").put("format", "duration");
        } else if (written == TenantFields.class) {
            TenantFields.describe(schema);
        } else if (Map.class.isAssignableFrom(written)) {
            schema.put("type", "object");
            List<ResolvedType> parameters = type.typeParametersFor(Map.class);
            if (parameters != null && parameters.size() > 1 && parameters.get(1).getErasedType() != Object.class) {
                schema.set("additionalProperties", context.createDefinitionReference(parameters.get(1)));
            }
        } else if (written.isEnum()) {
            ArrayNode values = schema.put("type", "string").putArray("enum");
            for (Object constant : written.getEnumConstants()) {
                values.add(((Enum<?>) constant).name().toLowerCase(Locale.ROOT));
            }
        } else if (written == TimelineInfo.State.class) {
            ArrayNode forms = schema.putArray("oneOf");
            forms.addObject()
                    .put("type", "string")
                    .putArray("enum")
                    .add("Loading")
                    .add("Active");
            ObjectNode broken = forms.addObject().put("type", "object");
            broken.putArray("required").add("Broken");
            broken.putObject("properties").putObject("Broken").put("type", "object");
        } else {
            return null;
        }
        return new CustomDefinition(schema, CustomDefinition.INLINE_DEFINITION, CustomDefinition.EXCLUDING_ATTRIBUTES);
    }

    /** A record's own name, after those of what it is in, unless that only is the place where it stands. */
    private static final class Names extends DefaultSchemaDefinitionNamingStrategy {
        private final String suffix;

        Names(String suffix) {
            this.suffix = suffix;
        }

        @Override
        public String getDefinitionNameForKey(DefinitionKey key, SchemaGenerationContext context) {
            Class<?> type = key.getType().getErasedType();
            StringBuilder name = new StringBuilder(type.getSimpleName());
            for (Class<?> outer = type.getEnclosingClass();
                    outer != null && !isOnlyPlace(outer);
                    outer = outer.getEnclosingClass()) {
                name.insert(0, outer.getSimpleName());
            }
            return name.append(suffix).toString();
        }

        private static boolean isOnlyPlace(Class<?> type) {
            return ONLY_PLACES.contains(type.getSimpleName())
                    || type.getSimpleName().endsWith("Resource");
        }
    }
}
