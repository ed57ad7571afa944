package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Optional;

/** What the page service serves. Safe for use by many threads. */
public interface ServedTimelines {
    /** A timeline; empty if there is none of that id. */
    Optional<ServedTimeline> find(TenantId tenant, TimelineId timeline);

    /** Whether there is a timeline of that id in the archive, from which it would have to be taken back to be served. */
    boolean isArchived(TenantId tenant, TimelineId timeline);

    /**
     * How many requests a tenant may make, now; empty if it has no setting of its own, or is not there. Asked for each request:
     * never waits.
     */
    Optional<ThrottleSettings> throttle(TenantId tenant);

    /**
     * Writes a data directory that PostgreSQL starts from, as a tar archive.
     *
     * @param timeline one that was found
     * @param lsn as of when
     * @param target not closed
     * @throws InvalidRequestException also if there is no such timeline any more
     */
    void writeDataDirectory(TimelineId timeline, Lsn lsn, OutputStream target, RequestContext context)
            throws StorageException;

    /**
     * Writes what Neon's compute starts from, as a tar archive: no pages of relations.
     *
     * @param timeline one that was found
     * @param lsn as of when
     * @param previous the record before that
     * @param target not closed
     * @throws InvalidRequestException also if there is no such timeline any more
     */
    void writeForCompute(
            TimelineId timeline, Lsn lsn, PreviousRecord previous, OutputStream target, RequestContext context)
            throws StorageException;

    /**
     * Leases an LSN: it stays readable for a time, whatever GC does.
     *
     * @param timeline one that was found
     * @return until when it lasts
     * @throws InvalidRequestException if it cannot be read, or there is no such timeline any more
     */
    Instant lease(TimelineId timeline, Lsn lsn) throws InvalidRequestException;
}
