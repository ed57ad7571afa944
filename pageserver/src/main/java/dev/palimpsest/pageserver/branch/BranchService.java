package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.BootPoint;
import dev.palimpsest.pageserver.datadir.DataDirectorySink;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What can be done with the branches of a server: what the management API serves. Safe for use by many threads; every method
 * may take as long as its work does, and is called from a thread that may wait. What a method that takes a branch's name says
 * of a branch that is not there is {@link BranchException.Kind#NOT_FOUND}.
 */
public interface BranchService {
    /** All branches, by name, archived ones too. */
    List<BranchView> list();

    /** One of them. */
    BranchView view(String name) throws BranchException;

    /** The name of the branch that a timeline is, archived ones too; empty if it is none of the tenant's. Waits for nothing. */
    Optional<String> nameOf(TenantId tenant, TimelineId timeline);

    /**
     * Begins to attach a PostgreSQL. Checks it first: what stands in the way is in the exception, all of it, a line each.
     *
     * @param name of the new branch: 1 to 63 letters, digits, {@code -}, {@code _} and {@code .}, beginning with neither dash
     *     nor dot
     * @param connection a connection string as libpq's
     * @param slot the physical slot to make; null for {@code palimpsest_NAME}
     */
    AttachProgress attach(String name, String connection, @Nullable String slot) throws BranchException;

    /**
     * How far attaching or adopting a branch got; NOT_FOUND if the server has not begun with it since its start. An adoption is
     * {@code done} as soon as it needs nothing more of its archive.
     */
    AttachProgress attachProgress(String name) throws BranchException;

    /**
     * Makes a branch of a base backup and its WAL, reading the archive to its end. Durable on return; if it fails, whether
     * because the archive breaks off or because something in it is wrong, nothing is left.
     *
     * @param to up to when WAL is replayed: the last record that ends at or before an LSN, the last before the first transaction
     *     that ended after a time, or all there is
     * @param retention what of its history is kept other than the server's branches keep, from the beginning on
     * @param archive in the form of {@link dev.palimpsest.pageserver.adopt.AdoptHeader}
     */
    AttachProgress adopt(String name, Moment to, RetentionOverride retention, InputStream archive)
            throws BranchException;

    /**
     * What is being attached or adopted and not taken in yet, and what failed for good to be attached and was not deleted since.
     */
    List<AttachProgress> attachments();

    /**
     * Makes a branch that shares its history up to a moment with another; with the one that this came from, if the moment is
     * before it left that. Durable on return.
     */
    BranchView create(String name, String from, Moment at) throws BranchException;

    /** The same, with an ID that the caller chose for its timeline; CONFLICT if the cluster has a timeline of this ID. */
    BranchView create(String name, TimelineId timeline, String from, Moment at) throws BranchException;

    /**
     * Deletes a branch that none other comes from (CONFLICT if one does); its endpoint is stopped, and its slot on the source
     * dropped if that can be reached. Of a branch that is being attached, or failed to be, all there is is undone.
     *
     * @return what was left undone, for people; empty if nothing
     */
    List<String> delete(String name) throws BranchException;

    /**
     * Makes a branch independent of the one it came from, and of those that that one came from: it gets layers of its own for
     * what it shares with them. Reads and writes go on meanwhile. Branches that left the same one at or before where this one
     * did are branches of this one then. May be called again if it failed. Durable on return.
     *
     * @return the branches that were moved here
     */
    List<String> detach(String name) throws BranchException;

    /**
     * Archives a branch: its endpoint is stopped, and nothing of it stays on the server's disk and in its memory, until {@link
     * #unarchive}. CONFLICT if branches that came from it are not archived.
     *
     * @param force also if it follows a PostgreSQL, which ends that for good: the slot is dropped, and what is written there
     *     from then on is not in the branch; else that is a CONFLICT
     * @return what was left undone, for people; empty if nothing
     */
    List<String> archive(String name, boolean force) throws BranchException;

    /** Takes a branch back from the archive. CONFLICT if the one it came from is archived. */
    BranchView unarchive(String name) throws BranchException;

    /** What is archived, by name. */
    List<ArchivedView> archived();

    /** The LSN that a moment is on a branch. INVALID if its history does not reach there. */
    Lsn resolve(String name, Moment moment) throws BranchException;

    /** When the last commit at or before an LSN was; null if none is known. */
    @Nullable
    Instant timeOf(String name, Lsn lsn) throws BranchException;

    /** The tenants that the branches are of. */
    TenantService tenants();

    /** The layers of branches. */
    LayerService layers();

    /** What is done for the upkeep of branches. */
    UpkeepService upkeep();

    /** How many bytes all relations take as of a moment: about what {@link #restore} writes. */
    long relationBytes(String name, Moment at) throws BranchException;

    /**
     * Writes a data directory that PostgreSQL starts from, its tablespaces within it.
     *
     * @param sink is completed, and left to the caller to close
     */
    BootPoint restore(String name, Moment at, BackupManifest manifest, DataDirectorySink sink) throws BranchException;

    /**
     * A page of a relation as of a moment, 8192 bytes.
     *
     * @param relation {@code TABLESPACE/DATABASE/FILE} as PostgreSQL's tools print it, or {@code base/DATABASE/FILE} as {@code
     *     pg_relation_filepath} does, with {@code _vm}, {@code _fsm} or {@code _init} for other forks
     */
    byte[] page(String name, String relation, long block, Moment at) throws BranchException;

    /** What happened to a page up to a moment, the newest first. */
    List<PageVersion> pageHistory(String name, String relation, long block, Moment at) throws BranchException;

    /** Compares every page with the data directory of a stopped server, as of where that stopped. */
    DirectoryComparison.Result verify(String name, Path directory, PageComparison.Server server) throws BranchException;

    /**
     * Boots a PostgreSQL at the end of a branch, or starts the one that is there again; its WAL goes into the branch.
     *
     * @param port on the loopback address; 0 for a free one
     * @param binaries the directory with {@code postgres}; null to look for one
     */
    EndpointView startEndpoint(String name, int port, @Nullable Path binaries) throws BranchException;

    /** Stops the endpoint of a branch, and waits until the branch has all of its WAL. */
    EndpointView stopEndpoint(String name) throws BranchException;

    /** All endpoints. */
    List<EndpointView> endpoints();
}
