package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import java.util.regex.Pattern;

/**
 * What a call is about, as its metadata says.
 *
 * @param shard 0 to 255
 * @param shards 0 for a tenant that is not sharded, and {@code shard} is 0 then; otherwise more than {@code shard}
 */
record CallTarget(TenantId tenant, TimelineId timeline, int shard, int shards) {
    private static final Metadata.Key<String> TENANT =
            Metadata.Key.of("neon-tenant-id", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TIMELINE =
            Metadata.Key.of("neon-timeline-id", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> SHARD =
            Metadata.Key.of("neon-shard-id", Metadata.ASCII_STRING_MARSHALLER);
    private static final Pattern SHARD_TEXT = Pattern.compile("[0-9a-fA-F]{4}");
    private static final int HEX = 16;

    private static final Context.Key<CallTarget> KEY = Context.key("target");

    /**
     * Reads the metadata of a call.
     *
     * @throws StatusException INVALID_ARGUMENT if something is missing or wrong
     */
    static CallTarget of(Metadata headers) throws StatusException {
        String shard = get(headers, SHARD);
        if (!SHARD_TEXT.matcher(shard).matches()) {
            throw wrong(SHARD, "wants the number of the shard and the count of shards, two hexadecimal digits each");
        }
        int number = Integer.parseInt(shard, 0, 2, HEX);
        int count = Integer.parseInt(shard, 2, 4, HEX);
        if (number >= Math.max(1, count)) {
            throw wrong(SHARD, "names shard " + number + " of " + count);
        }
        try {
            return new CallTarget(
                    TenantId.parse(get(headers, TENANT)), TimelineId.parse(get(headers, TIMELINE)), number, count);
        } catch (IllegalArgumentException e) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("metadata: " + e.getMessage())
                    .withCause(e)
                    .asException();
        }
    }

    private static String get(Metadata headers, Metadata.Key<String> key) throws StatusException {
        String value = headers.get(key);
        if (value == null) {
            throw wrong(key, "is missing");
        }
        return value;
    }

    private static StatusException wrong(Metadata.Key<String> key, String why) {
        return Status.INVALID_ARGUMENT
                .withDescription("metadata " + key.name() + " " + why)
                .asException();
    }

    /** A context in which {@link #current} is this. */
    Context in(Context context) {
        return context.withValue(KEY, this);
    }

    /** What the call is about in whose context this is called. */
    static CallTarget current() {
        return KEY.get();
    }
}
