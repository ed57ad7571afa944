package dev.palimpsest.pageserver;

import dev.palimpsest.storage.s3.ConditionalPuts;
import dev.palimpsest.storage.s3.S3Service;
import dev.palimpsest.storage.s3.S3Settings;
import dev.palimpsest.storage.s3.S3Transfers;
import dev.palimpsest.storage.s3.StaticCredentials;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Where objects are kept, as a user writes it: a directory, by its path or as {@code file:///path}, or a bucket, {@code
 * s3://bucket/prefix?option=value&…}. Options of a bucket:
 *
 * <table>
 *   <caption>Options</caption>
 *   <tr><td>{@code endpoint}</td><td>URL of a service other than AWS; the bucket is then in the path of its URLs</td></tr>
 *   <tr><td>{@code region}</td><td>otherwise as users of AWS say it</td></tr>
 *   <tr><td>{@code path-style}</td><td>{@code true} or {@code false}, where the default does not fit</td></tr>
 *   <tr><td>{@code profile}</td><td>of the shared files of AWS, for credentials and region</td></tr>
 *   <tr><td>{@code conditional-puts}</td><td>what the service decides: {@code probe}, the default, asks it when it is opened;
 *       {@code all}, {@code if-absent}, {@code none}</td></tr>
 *   <tr><td>{@code allow-unguarded}</td><td>{@code true} to use a service that decides no conditions: then nothing but an object
 *       with the owner's heartbeat keeps two servers apart</td></tr>
 *   <tr><td>{@code part-bytes}</td><td>how large parts are, of objects larger than four of them</td></tr>
 *   <tr><td>{@code access-key}, {@code secret-key}, {@code session-token}</td><td>never in the URL, which is seen by others</td></tr>
 * </table>
 */
public sealed interface StorageLocation {
    /** A directory on this machine, which one server at a time may use. */
    record LocalDirectory(Path path) implements StorageLocation {}

    /**
     * A bucket.
     *
     * @param allowUnguarded whether it is used even if its service decides no conditions of puts
     */
    record Bucket(S3Settings settings, boolean allowUnguarded) implements StorageLocation {}

    /**
     * Reads what a user wrote.
     *
     * @param text a path or a URL
     * @param options that stand elsewhere than in the URL, and win over those in it
     * @throws IllegalArgumentException if it cannot be; the message is for the user
     */
    static StorageLocation parse(String text, Map<String, String> options) {
        if (text.startsWith("s3://")) {
            return bucket(text, options);
        }
        if (!options.isEmpty()) {
            throw new IllegalArgumentException(
                    "a directory has no such options: " + String.join(", ", new TreeSet<>(options.keySet())));
        }
        if (text.startsWith("file:")) {
            try {
                return new LocalDirectory(Path.of(URI.create(text)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "not a directory: \"" + text + "\", wanted such as file:///var/lib/objects", e);
            }
        }
        if (text.isBlank() || text.contains("://")) {
            throw new IllegalArgumentException(
                    "objects are kept in a directory or in s3://bucket/prefix, not in \"" + text + "\"");
        }
        return new LocalDirectory(Path.of(text).toAbsolutePath().normalize());
    }

    private static Bucket bucket(String text, Map<String, String> options) {
        int query = text.indexOf('?');
        String path = text.substring("s3://".length(), query < 0 ? text.length() : query);
        Map<String, String> all = query < 0 ? new LinkedHashMap<>() : inUrl(text.substring(query + 1));
        all.putAll(options);
        int slash = path.indexOf('/');
        String bucket = slash < 0 ? path : path.substring(0, slash);
        String prefix = slash < 0 ? "" : path.substring(slash + 1);
        if (!prefix.isEmpty() && !prefix.endsWith("/")) {
            prefix += "/";
        }
        Optional<URI> endpoint = take(all, "endpoint").map(StorageLocation::url);
        boolean pathStyle =
                take(all, "path-style").map(value -> truth("path-style", value)).orElse(endpoint.isPresent());
        S3Service service =
                new S3Service(endpoint, take(all, "region"), pathStyle, take(all, "profile"), credentials(all));
        S3Settings settings = S3Settings.of(bucket, prefix, service)
                .withConditionalPuts(take(all, "conditional-puts")
                        .map(StorageLocation::conditions)
                        .orElse(ConditionalPuts.PROBE))
                .withTransfers(
                        take(all, "part-bytes").map(StorageLocation::transfers).orElse(S3Transfers.DEFAULT));
        boolean allowUnguarded = take(all, "allow-unguarded")
                .map(value -> truth("allow-unguarded", value))
                .orElse(false);
        if (!all.isEmpty()) {
            throw new IllegalArgumentException(
                    "a bucket has no such options: " + String.join(", ", new TreeSet<>(all.keySet())));
        }
        return new Bucket(settings, allowUnguarded);
    }

    private static Map<String, String> inUrl(String query) {
        Map<String, String> found = new LinkedHashMap<>();
        for (String option : query.split("&")) {
            int equals = option.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("not an option of a bucket: \"" + option + "\", wanted name=value");
            }
            String name = option.substring(0, equals);
            if (Set.of("access-key", "secret-key", "session-token").contains(name)) {
                throw new IllegalArgumentException(name + " does not belong into a URL, where others see it");
            }
            found.put(name, URLDecoder.decode(option.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return found;
    }

    private static Optional<String> take(Map<String, String> options, String name) {
        return Optional.ofNullable(options.remove(name));
    }

    private static Optional<StaticCredentials> credentials(Map<String, String> options) {
        Optional<String> access = take(options, "access-key");
        Optional<String> secret = take(options, "secret-key");
        Optional<String> token = take(options, "session-token");
        if (access.isPresent() != secret.isPresent() || (token.isPresent() && secret.isEmpty())) {
            throw new IllegalArgumentException("access-key and secret-key are given both or not at all");
        }
        return access.map(key -> new StaticCredentials(key, secret.orElseThrow(), token));
    }

    private static URI url(String text) {
        try {
            return URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a URL: \"" + text + "\"", e);
        }
    }

    private static boolean truth(String option, String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(option + " is true or false, not \"" + text + "\"");
        };
    }

    private static ConditionalPuts conditions(String text) {
        try {
            return ConditionalPuts.valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "conditional-puts is probe, all, if-absent or none, not \"" + text + "\"", e);
        }
    }

    private static S3Transfers transfers(String partBytes) {
        try {
            long part = Long.parseLong(partBytes);
            return new S3Transfers(
                    4 * part, part, S3Transfers.DEFAULT.connectTimeout(), S3Transfers.DEFAULT.stallTimeout());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("part-bytes is a number of bytes, not \"" + partBytes + "\"", e);
        }
    }
}
