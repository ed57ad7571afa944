package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
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
public final class BaseBackupStream {
    private final Wire wire;
    private final BackupArchives archives;
    private final Lsn startLsn;
    private final int startTimeline;
    private final List<BackupTablespace> tablespaces;
    private @Nullable TarArchiveInputStream tar;
    private @Nullable BackupEntry current;
    private @Nullable BackupEnd end;

    private BaseBackupStream(
            Wire wire, BackupArchives archives, Lsn startLsn, int startTimeline, List<BackupTablespace> tablespaces) {
        this.wire = wire;
        this.archives = archives;
        this.startLsn = startLsn;
        this.startTimeline = startTimeline;
        this.tablespaces = List.copyOf(tablespaces);
    }

    static BaseBackupStream start(Commands commands, BackupOptions options, PostgresVersion version)
            throws UpstreamException {
        BackupStart start = BackupStart.request(commands, options, version);
        BackupArchives archives = version.isAtLeast(PostgresVersion.V15)
                ? new BackupArchives.Typed(commands, start.tablespaces())
                : new BackupArchives.Plain(commands, start.tablespaces());
        return new BaseBackupStream(commands.wire(), archives, start.lsn(), start.timeline(), start.tablespaces());
    }

    /** Whether the server has sent all of it. */
    boolean isEnded() {
        return archives.isEnded();
    }

    /** Where WAL must be replayed from: the redo point of the checkpoint that the backup began with. */
    public Lsn startLsn() {
        return startLsn;
    }

    /** The PostgreSQL timeline of {@link #startLsn()}, unsigned. */
    public int startTimeline() {
        return startTimeline;
    }

    /** What will be sent, the data directory (OID 0) last. */
    public List<BackupTablespace> tablespaces() {
        return tablespaces;
    }

    /** About how many bytes will be sent, as of the start; 0 if the server does not say. */
    public long estimatedBytes() {
        long sum = 0;
        for (BackupTablespace tablespace : tablespaces) {
            sum += Math.max(0, tablespace.estimatedKib()) << 10;
        }
        return sum;
    }

    /** How many bytes have been received, archives' headers and padding included. */
    public long receivedBytes() {
        return archives.receivedBytes();
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
        if (end != null) {
            return null;
        }
        try {
            skipRest();
            while (true) {
                if (tar == null) {
                    if (!archives.next()) {
                        end = archives.end();
                        return null;
                    }
                    tar = new TarArchiveInputStream(archives, StandardCharsets.UTF_8.name());
                }
                TarArchiveEntry entry = tar.getNextEntry();
                if (entry != null) {
                    BackupEntry described = describe(entry);
                    current = described;
                    return described;
                }
                // What follows the last member is padding, or in PostgreSQL 14 nothing.
                archives.skipRest();
                tar = null;
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Reads on in the current member.
     *
     * @return how many bytes were read, at least 1 if {@code length} is; -1 at its end
     * @throws UpstreamException as {@link #next()}
     */
    public int read(byte[] target, int offset, int length) throws UpstreamException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (tar == null || current == null || current.kind() != BackupEntry.Kind.FILE) {
            return -1;
        }
        if (length == 0) {
            return 0;
        }
        try {
            return tar.read(target, offset, length);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Reads on in the current member until {@code length} bytes have come, or its end.
     *
     * @return how many have, less than {@code length} only at its end
     * @throws UpstreamException as {@link #next()}
     */
    public int readFully(byte[] target, int offset, int length) throws UpstreamException {
        Objects.checkFromIndexSize(offset, length, target.length);
        int done = 0;
        while (done < length) {
            int count = read(target, offset + done, length - done);
            if (count < 0) {
                break;
            }
            done += count;
        }
        return done;
    }

    /**
     * Where the backup ended.
     *
     * @throws IllegalStateException before {@link #next()} has returned null
     */
    public BackupEnd end() {
        BackupEnd reached = end;
        if (reached == null) {
            throw new IllegalStateException("the backup has not ended");
        }
        return reached;
    }

    private void skipRest() throws IOException {
        BackupEntry skipped = current;
        current = null;
        if (tar == null || skipped == null || skipped.kind() != BackupEntry.Kind.FILE) {
            return;
        }
        // Not skip(): at a cut-off archive that ends as if all were well.
        byte[] scratch = new byte[16 << 10];
        int count = 0;
        while (count >= 0) {
            count = tar.read(scratch, 0, scratch.length);
        }
    }

    private UpstreamException failed(IOException e) {
        return switch (e) {
            case BackupArchives.UpstreamIOException wrapped -> wrapped.upstream();
            default -> wire.broken("the archive of tablespace " + archives.tablespace(), e);
        };
    }

    private BackupEntry describe(TarArchiveEntry entry) throws UpstreamException {
        String path = entry.getName();
        while (path.startsWith("./")) {
            path = path.substring(2);
        }
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        if (path.startsWith("/") || ("/" + path + "/").contains("/../")) {
            throw wire.broken("an archive with the path " + path);
        }
        BackupEntry.Kind kind;
        if (entry.isDirectory()) {
            kind = BackupEntry.Kind.DIRECTORY;
        } else if (entry.isSymbolicLink()) {
            kind = BackupEntry.Kind.SYMLINK;
        } else if (entry.isFile() && !entry.isLink() && !entry.isSparse()) {
            kind = BackupEntry.Kind.FILE;
        } else {
            throw wire.broken("an archive with " + path + " in it, which is no file, directory or symbolic link");
        }
        return new BackupEntry(
                archives.tablespace(),
                path,
                kind,
                kind == BackupEntry.Kind.FILE ? entry.getSize() : 0,
                kind == BackupEntry.Kind.SYMLINK ? entry.getLinkName() : "");
    }
}
