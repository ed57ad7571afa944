package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.files.PrivateFiles;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TenantId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What this server was told to have of tenants: for each a file with its ID as name and one JSON object in UTF-8, whose fields are
 * those of {@link TenantLocation}; unknown ones are ignored. A tenant without a file is attached if the object store has it. Of
 * all that is in the server's directory, only this is not in the object store as well: a server that loses it attaches what there
 * is.
 */
final class LocationFiles {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private final Path directory;
    private final PrivateFiles files;

    LocationFiles(Path directory) throws IOException {
        this.directory = directory;
        this.files = new PrivateFiles(directory);
    }

    /** The tenants that something was said of. */
    List<TenantId> all() {
        List<TenantId> all = new ArrayList<>();
        for (String name : files.names()) {
            all.add(TenantId.parse(name));
        }
        return all;
    }

    /** What was said of a tenant; null if nothing was. */
    @Nullable
    TenantLocation read(TenantId tenant) throws CorruptionException {
        String json = files.read(tenant.toString());
        if (json == null) {
            return null;
        }
        try {
            TenantLocation location = JSON.readValue(json, TenantLocation.class);
            if (location != null && location.mode() != null) {
                return location;
            }
        } catch (JacksonException e) {
            throw corrupt(tenant, e);
        }
        throw corrupt(tenant, null);
    }

    private CorruptionException corrupt(TenantId tenant, @Nullable JacksonException cause) {
        String problem = "not what this server is to have of a tenant; say it again by attaching or detaching it";
        String file = directory.resolve(tenant.toString()).toString();
        return cause == null
                ? new CorruptionException(file, 0, problem)
                : new CorruptionException(file, 0, problem + ": " + cause.getOriginalMessage(), cause);
    }

    void write(TenantId tenant, TenantLocation location) {
        files.write(tenant.toString(), JSON.writeValueAsString(location));
    }

    void delete(TenantId tenant) {
        files.delete(tenant.toString());
    }
}
