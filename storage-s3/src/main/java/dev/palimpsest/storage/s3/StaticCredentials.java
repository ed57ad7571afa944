package dev.palimpsest.storage.s3;

import java.util.Optional;

/**
 * Keys that are written down, instead of found where users of AWS keep them.
 *
 * @param sessionToken of keys that are valid for a while only
 */
public record StaticCredentials(String accessKey, String secretKey, Optional<String> sessionToken) {
    /** Without what is secret. */
    @Override
    public String toString() {
        return "StaticCredentials[" + accessKey + "]";
    }
}
