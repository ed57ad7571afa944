package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is known of a branch besides its timeline. Kept in the timeline's index part, as the JSON object {@code palimpsest}
 * there, so it is where the layers are and is replaced with them atomically.
 *
 * @param name of the branch
 * @param created when, in ISO form
 * @param attaching whether a base backup is being taken in; what is found so at the start was cut short
 * @param readableFrom the first LSN that can be read
 * @param pgTimeline the PostgreSQL timeline that was last followed
 * @param source what is followed; null if nothing is
 * @param kept what of its history is kept other than by the server's settings; null for nothing
 */
record BranchRecord(
        String name,
        String created,
        boolean attaching,
        String readableFrom,
        int pgTimeline,
        @Nullable Source source,
        @Nullable Kept kept) {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    /**
     * What is followed.
     *
     * @param connection the connection string, without a password
     * @param slot the physical slot
     * @param systemIdentifier of the cluster, unsigned decimal
     * @param start where its WAL begins for us
     * @param endpoint whether it is an endpoint of this server
     */
    record Source(String connection, String slot, String systemIdentifier, String start, boolean endpoint) {
        Lsn startLsn() {
            return Lsn.parse(start);
        }
    }

    /**
     * What is kept of its history.
     *
     * @param pitrInterval in ISO form; null for the server's
     * @param gcHorizon in bytes; null for the server's
     */
    record Kept(@Nullable String pitrInterval, @Nullable Long gcHorizon) {}

    static BranchRecord attaching(String name, Instant created, int pgTimeline, Source source) {
        return new BranchRecord(name, created.toString(), true, Lsn.INVALID.toString(), pgTimeline, source, null);
    }

    /** Of a branch that is being made of files. */
    static BranchRecord adopting(String name, Instant created, int pgTimeline) {
        return new BranchRecord(name, created.toString(), true, Lsn.INVALID.toString(), pgTimeline, null, null);
    }

    /** Of a branch that follows nothing yet. */
    static BranchRecord branched(String name, Instant created, Lsn readableFrom, int pgTimeline) {
        return new BranchRecord(name, created.toString(), false, readableFrom.toString(), pgTimeline, null, null);
    }

    Lsn readableFromLsn() {
        return Lsn.parse(readableFrom);
    }

    Instant createdAt() {
        return Instant.parse(created);
    }

    BranchRecord imported(Lsn from) {
        return new BranchRecord(name, created, false, from.toString(), pgTimeline, source, kept);
    }

    /** The same of a branch that does not depend on the one it came from any more. */
    BranchRecord inheriting(Lsn from) {
        return new BranchRecord(name, created, attaching, from.toString(), pgTimeline, source, kept);
    }

    BranchRecord onPgTimeline(int timeline) {
        return new BranchRecord(name, created, attaching, readableFrom, timeline, source, kept);
    }

    BranchRecord following(@Nullable Source other) {
        return new BranchRecord(name, created, attaching, readableFrom, pgTimeline, other, kept);
    }

    BranchRecord retaining(RetentionOverride retention) {
        Duration interval = retention.pitrInterval();
        Kept other = retention.isNone()
                ? null
                : new Kept(interval == null ? null : interval.toString(), retention.gcHorizon());
        return new BranchRecord(name, created, attaching, readableFrom, pgTimeline, source, other);
    }

    /** What of its history is kept other than by the server's settings. */
    RetentionOverride retention() {
        return kept == null
                ? RetentionOverride.NONE
                : new RetentionOverride(
                        kept.pitrInterval == null ? null : Duration.parse(kept.pitrInterval), kept.gcHorizon);
    }

    String encode() {
        return JSON.writeValueAsString(this);
    }

    static BranchRecord decode(String json, String resource) throws CorruptionException {
        try {
            BranchRecord record = JSON.readValue(json, BranchRecord.class);
            record.retention(); // throws what is caught here if it makes no sense
            return record;
        } catch (JacksonException | DateTimeException | IllegalArgumentException e) {
            throw new CorruptionException(resource, 0, "not what is known of a branch: " + e.getMessage(), e);
        }
    }
}
