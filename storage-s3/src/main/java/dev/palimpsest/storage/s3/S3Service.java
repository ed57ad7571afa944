package dev.palimpsest.storage.s3;

import java.net.URI;
import java.util.Optional;

/**
 * A service that speaks S3, and as whom it is spoken to.
 *
 * @param endpoint its URL; empty for AWS
 * @param region empty for what the environment, the profile or the instance says, and otherwise {@code us-east-1} at an
 *     endpoint of one's own
 * @param pathStyle whether the bucket stands in the path of URLs; otherwise in the host's name
 * @param profile of the shared credentials and configuration files; empty for the usual search: environment, web identity,
 *     default profile, container, instance
 * @param credentials that are used instead of any search
 */
public record S3Service(
        Optional<URI> endpoint,
        Optional<String> region,
        boolean pathStyle,
        Optional<String> profile,
        Optional<StaticCredentials> credentials) {
    /** AWS, everything as usual. */
    public static final S3Service AWS =
            new S3Service(Optional.empty(), Optional.empty(), false, Optional.empty(), Optional.empty());

    /**
     * @throws IllegalArgumentException if the endpoint is not a URL of http or https
     */
    public S3Service {
        if (endpoint.isPresent()
                && (endpoint.get().getHost() == null
                        || !(endpoint.get().getScheme().equals("http")
                                || endpoint.get().getScheme().equals("https")))) {
            throw new IllegalArgumentException(
                    "not the endpoint of a service: \"" + endpoint.get() + "\", wanted such as http://127.0.0.1:9000");
        }
    }

    /** A service of one's own, with the bucket in the path. */
    public static S3Service at(URI endpoint) {
        return new S3Service(Optional.of(endpoint), Optional.empty(), true, Optional.empty(), Optional.empty());
    }

    /** The same with these keys. */
    public S3Service withCredentials(StaticCredentials credentials) {
        return new S3Service(endpoint, region, pathStyle, profile, Optional.of(credentials));
    }
}
