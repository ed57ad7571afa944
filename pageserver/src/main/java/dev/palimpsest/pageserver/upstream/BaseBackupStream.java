package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A base backup as the server sends it, from {@link ReplicationConnection#baseBackup}.
 *
 * <p>The members come in the server's order: the tablespaces' one after the other, in the order of {@link #tablespaces()},
 * the data directory's last; in that {@code backup_label} is first, then {@code tablespace_map} if there are tablespaces, and
 * {@code global/pg_control} last. There is no WAL in it. Links to tablespaces are left out by the server, as
 * {@code tablespace_map} has them.
 *
 * <p>For use by one thread, except {@link #receivedBytes()}, which any may call. To give up before the end, close the
 * connection: the server then gives up too.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class BaseBackupStream {
    BaseBackupStream() {}

    /** Where WAL must be replayed from: the redo point of the checkpoint that the backup began with. */
    public Lsn startLsn() {
        throw new UnsupportedOperationException();
    }

    /** The PostgreSQL timeline of {@link #startLsn()}, unsigned. */
    public int startTimeline() {
        throw new UnsupportedOperationException();
    }

    /** What will be sent, the data directory (OID 0) last. */
    public List<BackupTablespace> tablespaces() {
        throw new UnsupportedOperationException();
    }

    /** About how many bytes will be sent, as of the start; 0 if the server does not say. */
    public long estimatedBytes() {
        throw new UnsupportedOperationException();
    }

    /** How many bytes have been received, archives' headers and padding included. */
    public long receivedBytes() {
        throw new UnsupportedOperationException();
    }

    /**
     * Goes to the next member; what was not read of the current one is skipped.
     *
     * @return it, or null after the last, when {@link #end()} is known
     * @throws ServerRefusedException if the server gives up, such as when a file cannot be read or it shuts down
     * @throws ConnectionLostException if the connection breaks, is closed, or nothing comes for too long
     * @throws ProtocolBrokenException if the archives make no sense or end too early
     */
    public @Nullable BackupEntry next() throws UpstreamException {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads on in the current member.
     *
     * @return how many bytes were read, at least 1 if {@code length} is; -1 at its end
     * @throws UpstreamException as {@link #next()}
     */
    public int read(byte[] target, int offset, int length) throws UpstreamException {
        throw new UnsupportedOperationException("" + target.length + offset + length);
    }

    /**
     * Reads on in the current member until {@code length} bytes have come, or its end.
     *
     * @return how many have, less than {@code length} only at its end
     * @throws UpstreamException as {@link #next()}
     */
    public int readFully(byte[] target, int offset, int length) throws UpstreamException {
        throw new UnsupportedOperationException("" + target.length + offset + length);
    }

    /**
     * Where the backup ended.
     *
     * @throws IllegalStateException before {@link #next()} has returned null
     */
    public BackupEnd end() {
        throw new UnsupportedOperationException();
    }
}
