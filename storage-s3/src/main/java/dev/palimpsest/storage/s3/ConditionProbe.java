package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore.Capability;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.Retries;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.runtime.Environment;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;

/**
 * Finds out which conditions of puts a service decides, on an object {@code palimpsest-probe-<16 hexadecimal digits>} right
 * below the prefix, which is deleted in the end; a crash may leave it, and anybody may delete it.
 *
 * <p>A service that does not know a condition ignores it or refuses it. One that decides a condition refuses a put that does
 * not meet it, and makes one that does. The object is there all the time, so a lost answer changes nothing of this.
 */
final class ConditionProbe {
    /** Some ten seconds: a server that is just starting too is waited for. */
    private static final RetryPolicy PATIENCE = new RetryPolicy(10, 50_000_000, 2_000_000_000);

    private static final ObjectSource CONTENT =
            ObjectSource.of("palimpsest: may be deleted\n".getBytes(StandardCharsets.US_ASCII));
    private static final ObjectVersion NONE_SUCH = new ObjectVersion("\"00000000000000000000000000000000\"");

    private final S3ObjectStore store;
    private final ObjectKey key;
    private final Retries retries;

    /**
     * @param store that sends every condition on
     */
    ConditionProbe(S3ObjectStore store, Environment environment) {
        this.store = store;
        this.key = new ObjectKey(RemotePaths.PROBES
                + HexFormat.of().toHexDigits(environment.random().nextLong()));
        this.retries = new Retries(PATIENCE, environment);
    }

    /** What the service does. */
    Set<Capability> run(RequestContext context) throws StorageException {
        EnumSet<Capability> found = EnumSet.noneOf(Capability.class);
        try {
            ObjectVersion version = put(PutCondition.ALWAYS, context);
            if (refuses(PutCondition.IF_ABSENT, context)) {
                found.add(Capability.PUT_IF_ABSENT);
            }
            if (refuses(new PutCondition.IfMatch(NONE_SUCH), context)
                    && !refuses(new PutCondition.IfMatch(version), context)) {
                found.add(Capability.PUT_IF_MATCH);
            }
        } finally {
            retries.run("delete", key.value(), context, () -> {
                store.delete(key, context);
                return true;
            });
        }
        return Set.copyOf(found);
    }

    private ObjectVersion put(PutCondition condition, RequestContext context) throws StorageException {
        return retries.run("put", key.value(), context, () -> store.put(key, CONTENT, condition, context))
                .version()
                .orElseThrow(() -> new ObjectStoreException(
                        Kind.REFUSED, "put", key.value(), "the service does not say the object's ETag"));
    }

    /** Whether a put is refused because of its condition; false also if the service knows no such condition. */
    private boolean refuses(PutCondition condition, RequestContext context) throws StorageException {
        try {
            put(condition, context);
            return false;
        } catch (ObjectStoreException e) {
            return switch (e.kind()) {
                case PRECONDITION_FAILED -> true;
                case REFUSED -> false;
                case NOT_FOUND, UNAVAILABLE -> throw e;
            };
        }
    }
}
