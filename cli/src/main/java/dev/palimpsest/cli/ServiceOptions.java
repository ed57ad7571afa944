package dev.palimpsest.cli;

import dev.palimpsest.pageserver.StorageLocation;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say how a bucket is reached. */
final class ServiceOptions {
    @Option(
            names = "--endpoint",
            paramLabel = "URL",
            description = "of the bucket's service, if that is not AWS: MinIO, R2, Ceph …")
    private @Nullable String endpoint;

    @Option(
            names = "--region",
            paramLabel = "REGION",
            description = "of the bucket, where AWS's own settings do not say it")
    private @Nullable String region;

    private Map<String, String> given() {
        Map<String, String> parts = new LinkedHashMap<>();
        if (endpoint != null) {
            parts.put("endpoint", endpoint);
        }
        if (region != null) {
            parts.put("region", region);
        }
        return parts;
    }

    /**
     * Where objects are.
     *
     * @param name of the option or parameter that says {@code text}, for errors
     * @param more options of the location
     */
    StorageLocation location(CommandLine command, String name, String text, Map<String, String> more) {
        Map<String, String> options = given();
        options.putAll(more);
        try {
            return StorageLocation.parse(text, options);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command, name + ": " + e.getMessage(), e);
        }
    }

    /** Makes sure that none is given, where there is no bucket. */
    void refuseWithout(CommandLine command, String name) {
        Map<String, String> parts = given();
        if (!parts.isEmpty()) {
            throw new ParameterException(
                    command, "--" + parts.keySet().iterator().next() + " is of use with " + name + " only");
        }
    }
}
