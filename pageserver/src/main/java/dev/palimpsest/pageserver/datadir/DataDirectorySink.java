package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.storage.StorageException;

/**
 * Takes the contents of a data directory, in an order in which they can be streamed: first every tablespace that lies
 * elsewhere, then the directories and files in these tablespaces, one tablespace after the other, then everything else, the
 * control file last. A directory comes before what lies in it, and one file ends before the next begins.
 *
 * <p>Paths are relative to the data directory, with {@code /} between their parts, none of which is empty, {@code .} or
 * {@code ..}. What lies in a tablespace elsewhere has a path like {@code pg_tblspc/16385/PG_17_202406281/5/16390}.
 *
 * <p>Without {@link #complete} nothing counts: {@link #close} then takes back what it can. Used by one thread at a time.
 */
public interface DataDirectorySink extends AutoCloseable {
    /**
     * A tablespace outside the data directory.
     *
     * @param oid its OID, unsigned
     * @param location an absolute path, to which {@code pg_tblspc/OID} is to be a symbolic link
     */
    void tablespace(int oid, String location) throws StorageException;

    /** A directory. */
    void directory(String path) throws StorageException;

    /**
     * Begins a file.
     *
     * @param size how many bytes {@link #write} and {@link #zeros} are going to give until {@link #endFile}
     */
    void startFile(String path, long size) throws StorageException;

    /** The next bytes of the file. They are not looked at after the call. */
    void write(byte[] bytes, int offset, int length) throws StorageException;

    /** So many bytes of zeros; nothing else comes after them in the file. */
    void zeros(long count) throws StorageException;

    /** Ends the file. */
    void endFile() throws StorageException;

    /** Everything was given. When this returns the result is as durable as the sink promises. */
    void complete() throws StorageException;

    /** Frees what it holds. Without a {@link #complete} that returned, the result is no data directory. */
    @Override
    void close() throws StorageException;
}
