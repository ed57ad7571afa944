package dev.palimpsest.pageserver.branch;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * That a PostgreSQL is to be attached: kept from before anything is made for it until it is taken in or given up, in a file of
 * the branch's name in the server's directory {@code attaching}, as JSON.
 *
 * @param name of the branch
 * @param connection the connection string, with the password
 * @param slot the physical slot
 * @param slotMade whether we have made the slot, or were about to: then it may be dropped
 * @param failure why it failed for good; null while it is tried
 */
record AttachIntent(
        String name,
        String connection,
        String slot,
        boolean slotMade,
        @Nullable String failure) {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    AttachIntent withSlot(boolean made) {
        return new AttachIntent(name, connection, slot, made, failure);
    }

    AttachIntent failed(String why) {
        return new AttachIntent(name, connection, slot, slotMade, why);
    }

    String encode() {
        return JSON.writeValueAsString(this);
    }

    /** Null if it cannot be read: then nobody knows what was to be attached. */
    static @Nullable AttachIntent decode(@Nullable String json) {
        try {
            return json == null ? null : JSON.readValue(json, AttachIntent.class);
        } catch (JacksonException e) {
            return null;
        }
    }
}
