package dev.palimpsest.pageserver.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The description of the whole API, for everybody: it says what there may be, nothing of what there is. */
final class OpenApiResource {
    private final Router router;

    /** Made when somebody asks first, since that takes a while. */
    private volatile byte @Nullable [] document;

    OpenApiResource(Router router) {
        this.router = router;
    }

    void addTo() {
        add("/openapi.json", "This document");
        add("/swagger.yml", "This document under Neon's name; it is YAML too, as all JSON is");
    }

    private void add(String path, String summary) {
        router.add(Route.get(path, summary)
                .access(Access.OPEN)
                .answers(200, new Route.Answer.Bytes("An OpenAPI 3.1 document", RequestHandler.JSON))
                .by(_ -> new Reply.Bytes(RequestHandler.JSON, Map.of(), document())));
    }

    private byte[] document() {
        byte[] made = document;
        if (made == null) {
            made = ApiJson.mapper()
                    .writerWithDefaultPrettyPrinter()
                    .writeValueAsBytes(OpenApiDocument.of(router.routes()));
            document = made;
        }
        return made;
    }
}
