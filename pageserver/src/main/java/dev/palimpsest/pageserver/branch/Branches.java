package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.BootPoint;
import dev.palimpsest.pageserver.relation.DirectoryComparison;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.redo.PageComparison;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Every branch of a server. Safe for use by many threads. */
public final class Branches implements AutoCloseable {
    private Branches() {}

    /** All branches, by name. */
    public List<BranchView> list() {
        throw new UnsupportedOperationException();
    }

    /** One of them; NOT_FOUND if there is none of the name. */
    public BranchView view(String name) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * Begins to attach a PostgreSQL. Checks it first: what stands in the way is in the exception, all of it.
     *
     * @param name of the new branch: 1 to 63 letters, digits, {@code -}, {@code _} and {@code .}, not beginning with a dot or dash
     * @param connection a connection string as libpq's
     * @param slot the physical slot to make; null for {@code palimpsest_NAME}
     */
    public AttachProgress attach(String name, String connection, @Nullable String slot) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** How far attaching a branch got; NOT_FOUND if the server has not begun to attach it since its start. */
    public AttachProgress attachProgress(String name) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** Makes a branch that shares its history up to a moment with another. Durable on return. */
    public BranchView create(String name, String from, Moment at) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * Deletes a branch that none other comes from; its endpoint is stopped and its slot on the source dropped, if that can be
     * reached.
     *
     * @return what was left undone, for people; empty if nothing
     */
    public List<String> delete(String name) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** The LSN that a moment is on a branch, readable. INVALID if its history does not reach there. */
    public Lsn resolve(String name, Moment moment) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** When the last commit at or before an LSN was; null if none is known. */
    public @Nullable Instant timeOf(String name, Lsn lsn) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** Writes what was taken in so far to layer files; returns up to where the branch is durable then. */
    public Lsn flush(String name) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * Writes a data directory that PostgreSQL starts from, as a tar stream.
     *
     * @param target is not closed
     */
    public BootPoint restore(String name, Moment at, OutputStream target) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * A page of a relation as of a moment, 8192 bytes.
     *
     * @param relation {@code database.schema.table} is not known here: {@code TABLESPACE/DATABASE/FILE} as PostgreSQL's
     *     tools print it, or {@code base/DATABASE/FILE} as {@code pg_relation_filepath} does, with {@code _vm}, {@code _fsm} or
     *     {@code _init} for other forks
     */
    public byte[] page(String name, String relation, long block, Moment at) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** What happened to a page up to a moment, the newest first. */
    public List<PageVersion> pageHistory(String name, String relation, long block, Moment at) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** Compares every page with the data directory of a stopped server, as of where that stopped. */
    public DirectoryComparison.Result verify(String name, Path directory, PageComparison.Server server)
            throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /**
     * Boots a PostgreSQL at the end of a branch, or starts the one that is there again; its WAL goes into the branch.
     *
     * @param port on the loopback address; 0 for a free one
     * @param binaries the directory with {@code postgres}; null to look for one
     */
    public EndpointView startEndpoint(String name, int port, @Nullable Path binaries) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** Stops the endpoint of a branch, and waits until the branch has all of its WAL. */
    public EndpointView stopEndpoint(String name) throws BranchException {
        throw new UnsupportedOperationException(name);
    }

    /** All endpoints. */
    public List<EndpointView> endpoints() {
        throw new UnsupportedOperationException();
    }

    /** Stops endpoints and following, and writes what was taken in to layer files. */
    @Override
    public void close() {}
}
