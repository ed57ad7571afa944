package dev.palimpsest.storage.check;

import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import org.jspecify.annotations.Nullable;

/**
 * Something that is not as it should be.
 *
 * @param severity how bad that is
 * @param object the key of the object, or a folder, with {@code /} at its end
 * @param offset where in the object, in bytes; {@link #NO_OFFSET} if it is not a place in it
 * @param reason what was expected and what was found
 * @param consequence what it means to whoever uses the store
 * @param tenant whose it is; null if it is nobody's
 * @param timeline whose it is; null if it is the tenant's
 */
public record Finding(
        Severity severity,
        String object,
        long offset,
        String reason,
        String consequence,
        @Nullable TenantId tenant,
        @Nullable TimelineId timeline) {
    /** It is not a place in an object. */
    public static final long NO_OFFSET = -1;

    /** How bad something is. */
    public enum Severity {
        /** Something is lost, or cannot be read, or will not be found. */
        PROBLEM,
        /** Nothing is lost by it. */
        WARNING
    }
}
