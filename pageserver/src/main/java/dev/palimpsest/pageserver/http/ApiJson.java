package dev.palimpsest.pageserver.http;

import dev.palimpsest.postgres.Lsn;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;
import tools.jackson.databind.type.LogicalType;

/**
 * How values look in the API's JSON: fields of records in snake case, LSNs as text ({@code "0/16960E8"}), times as text in ISO
 * form and UTC, constants in lower case. Absent fields are null, or, in a list, none. The server and its clients share it.
 */
public final class ApiJson {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(new SimpleModule("palimpsest")
                    .addSerializer(Lsn.class, ToStringSerializer.instance)
                    .addDeserializer(Lsn.class, new LsnReader()))
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(
                    LogicalType.Textual,
                    texts -> texts.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private ApiJson() {}

    /** Reads and writes what the API sends and takes. Immutable; ignores fields that it does not know. */
    public static JsonMapper mapper() {
        return MAPPER;
    }

    private static final class LsnReader extends StdDeserializer<Lsn> {
        LsnReader() {
            super(Lsn.class);
        }

        @Override
        public Lsn deserialize(JsonParser parser, DeserializationContext context) {
            String text = parser.getValueAsString("");
            try {
                return Lsn.parse(text);
            } catch (IllegalArgumentException e) {
                return (Lsn) context.handleWeirdStringValue(Lsn.class, text, "%s", e.getMessage());
            }
        }
    }
}
