package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ClusterState;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * What is to be adopted, looked through: whatever can be known to be wrong without replaying WAL is found before anything is
 * sent. Used by one thread. It may have unpacked files, which {@link #close} deletes.
 */
public final class AdoptPlan implements AutoCloseable {
    private static final int BUFFER = 1 << 18;

    private final BackupFiles backup;
    private final AdoptHeader header;
    private final WalPath wal;
    private final List<String> warnings;

    private AdoptPlan(BackupFiles backup, AdoptHeader header, WalPath wal, List<String> warnings) {
        this.backup = backup;
        this.header = header;
        this.wal = wal;
        this.warnings = List.copyOf(warnings);
    }

    /**
     * Looks a backup through.
     *
     * @param path a data directory, a directory with {@code base.tar}, or a tar archive
     * @param archives directories with archived WAL
     * @param to the LSN up to which WAL is wanted; null for all there is
     * @param mayEndAtGap whether WAL that goes on after a gap is only worth a warning
     * @throws AdoptException if it cannot be adopted
     */
    public static AdoptPlan of(Path path, List<Path> archives, @Nullable Lsn to, boolean mayEndAtGap)
            throws IOException, AdoptException {
        if (!Files.exists(path)) {
            throw new AdoptException(path + " is not there");
        }
        for (Path archive : archives) {
            if (!Files.isDirectory(archive)) {
                throw new AdoptException("the WAL archive " + archive + " is no directory");
            }
        }
        Path unreadable = TarBackup.otherwiseCompressed(path);
        if (unreadable != null) {
            throw Compression.unknown("the archive " + unreadable);
        }
        if (!Files.isDirectory(path) && !TarBackup.isAt(path)) {
            throw new AdoptException(path + " is neither a directory nor named as a tar archive is");
        }
        BackupFiles backup = TarBackup.isAt(path) ? new TarBackup(path) : new PlainBackup(path);
        try {
            return of(backup, archives, to, mayEndAtGap);
        } catch (IOException | AdoptException | RuntimeException e) {
            backup.close();
            throw e;
        }
    }

    private static AdoptPlan of(BackupFiles backup, List<Path> archives, @Nullable Lsn to, boolean mayEndAtGap)
            throws IOException, AdoptException {
        ControlFile control = control(backup);
        byte[] labelFile = backup.small(BackupLabel.PATH);
        BackupLabel label = labelFile == null ? null : BackupLabel.parse(labelFile);
        if (label == null) {
            checkStopped(backup, control);
        }
        Lsn start = label == null ? control.checkPoint().redo() : label.start();
        int timeline = label == null ? control.checkPoint().timeline() : label.timeline();
        AdoptHeader.Consistency consistency = label == null && control.state() == ClusterState.SHUT_DOWN
                ? AdoptHeader.Consistency.AT_START
                : label != null && !label.fromStandby()
                        ? AdoptHeader.Consistency.AT_BACKUP_END
                        : AdoptHeader.Consistency.AT_LSN;
        Lsn consistent =
                consistency == AdoptHeader.Consistency.AT_LSN ? Lsn.max(control.minRecoveryPoint(), start) : start;
        if (to != null && to.isBefore(consistent)) {
            throw new AdoptException("the backup is consistent from " + consistent + " on, not yet at " + to);
        }

        WalArchive archive = new WalArchive(
                control.version(), control.systemIdentifier(), control.walSegmentSize(), archives, backup.wal());
        WalPath wal = WalPath.find(archive, start, timeline, control.walSegmentSize(), to);
        List<String> warnings = warnings(control, label);
        if (wal.gap() != null) {
            if (!mayEndAtGap) {
                throw new AdoptException(wal.gap());
            }
            warnings.add(wal.gap());
        }
        AdoptHeader header = new AdoptHeader(
                control.version().major(),
                Long.toUnsignedString(control.systemIdentifier()),
                control.walSegmentSize(),
                start.toString(),
                consistency,
                consistent.toString(),
                backup.tablespaces().entrySet().stream()
                        .map(each -> new AdoptHeader.Tablespace(Integer.toUnsignedLong(each.getKey()), each.getValue()))
                        .toList(),
                wal.timelines(),
                backup.bytes());
        return new AdoptPlan(backup, header, wal, warnings);
    }

    private static ControlFile control(BackupFiles backup) throws AdoptException {
        byte[] version = backup.small(DataDirectoryLayout.VERSION_FILE);
        String major = version == null ? "" : new String(version, StandardCharsets.UTF_8).strip();
        boolean known = false;
        for (PostgresVersion each : PostgresVersion.values()) {
            known |= Integer.toString(each.major()).equals(major);
        }
        if (!known) {
            throw new AdoptException(backup.path() + " is of PostgreSQL " + (major.isEmpty() ? "no version" : major)
                    + " (by its PG_VERSION); 14 to 18 can be adopted");
        }
        byte[] content = backup.small(ControlFile.PATH);
        if (content == null) {
            throw new AdoptException(backup.path() + " has no " + ControlFile.PATH + ": the backup is not whole");
        }
        try {
            return ControlFile.parse(content);
        } catch (MalformedFileException e) {
            throw new AdoptException(backup.path() + ": " + ControlFile.PATH + ": " + e.getMessage(), e);
        }
    }

    private static void checkStopped(BackupFiles backup, ControlFile control) throws AdoptException {
        if (control.state() != ClusterState.SHUT_DOWN && control.state() != ClusterState.SHUT_DOWN_IN_RECOVERY) {
            throw new AdoptException(backup.path() + " has no " + BackupLabel.PATH
                    + ", so it is no base backup, and its server was not stopped cleanly: it is " + control.state()
                    + ". Stop the server, or make a base backup with pg_basebackup");
        }
    }

    private static List<String> warnings(ControlFile control, @Nullable BackupLabel label) throws AdoptException {
        List<String> warnings = new ArrayList<>();
        if (control.checkPoint().fullPageWrites() == 0) {
            if (label != null && label.fromStandby()) {
                throw new AdoptException(
                        "full_page_writes was off on the primary when a standby made the backup: pages that"
                                + " were written while they were copied cannot be put right. Set full_page_writes = on, and make"
                                + " a new backup");
            }
            warnings.add(
                    "full_page_writes was off: a crash of the server's machine can have left torn pages in its files");
        }
        if (control.walLevel() == WalLevel.MINIMAL) {
            warnings.add("wal_level was minimal: WAL from such a time does not hold all changes");
        }
        return warnings;
    }

    /** What it is. */
    public AdoptHeader header() {
        return header;
    }

    /** What should be known about it, for people. */
    public List<String> warnings() {
        return warnings;
    }

    /** How many WAL segments are sent. */
    public int segments() {
        return wal.segments().size();
    }

    /**
     * Sends it, in the form that {@link AdoptHeader} describes.
     *
     * @param enough asked before each WAL segment: whether no more are needed
     * @throws IOException if a file cannot be read, or has changed, or {@code out} takes no more
     */
    public void send(OutputStream out, BooleanSupplier enough) throws IOException {
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out, StandardCharsets.UTF_8.name());
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        whole(tar, AdoptHeader.NAME, header.encode());
        backup.send((tablespace, path, size, content) -> entry(
                tar,
                tablespace == 0
                        ? AdoptHeader.DATA + path
                        : AdoptHeader.TABLESPACE + Integer.toUnsignedString(tablespace) + "/" + path,
                size,
                content,
                false));
        for (Map.Entry<Integer, byte[]> history : wal.histories().entrySet()) {
            whole(
                    tar,
                    String.format(Locale.ROOT, "%s%08X%s", AdoptHeader.WAL, history.getKey(), AdoptHeader.HISTORY),
                    history.getValue());
        }
        for (WalPath.Segment segment : wal.segments()) {
            if (enough.getAsBoolean()) {
                break;
            }
            try (InputStream in = Compression.open(segment.file())) {
                entry(
                        tar,
                        AdoptHeader.WAL + segment.name().fileName(),
                        segment.name().size(),
                        in,
                        true);
            } catch (IOException e) {
                throw new IOException(segment.file() + " cannot be sent: " + e.getMessage(), e);
            }
        }
        whole(tar, AdoptHeader.END, new byte[0]);
        tar.finish();
        out.flush();
    }

    private static void whole(TarArchiveOutputStream tar, String name, byte[] content) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    /** @param padded whether what the file is too short for is filled with zeros */
    private static void entry(TarArchiveOutputStream tar, String name, long size, InputStream content, boolean padded)
            throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(size);
        tar.putArchiveEntry(entry);
        byte[] buffer = new byte[(int) Math.max(1, Math.min(BUFFER, size))];
        long left = size;
        while (left > 0) {
            int read = content.readNBytes(buffer, 0, (int) Math.min(left, buffer.length));
            if (read == 0) {
                if (!padded) {
                    throw new IOException(name + " has become shorter while it was read");
                }
                java.util.Arrays.fill(buffer, (byte) 0);
                read = (int) Math.min(left, buffer.length);
            }
            tar.write(buffer, 0, read);
            left -= read;
        }
        tar.closeArchiveEntry();
    }

    @Override
    public void close() throws IOException {
        backup.close();
    }
}
