package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.datadir.ShutdownWal;
import dev.palimpsest.storage.StorageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import java.util.zip.CRC32C;
import tools.jackson.core.io.JsonStringEncoder;

/**
 * Passes everything on, and makes of it the file {@code backup_manifest}, a JSON object in the form of version 1, since PostgreSQL
 * 17 of version 2, which has the system identifier too:
 *
 * <pre>
 * {"PostgreSQL-Backup-Manifest-Version": 2, "System-Identifier": 7…,
 *  "Files": [{"Path": "base/1/1255", "Size": 802816, "Last-Modified": "2026-11-21 10:00:00 GMT",
 *             "Checksum-Algorithm": "CRC32C", "Checksum": "ee3d3f3b"}, …],
 *  "WAL-Ranges": [{"Timeline": 2, "Start-LSN": "0/5000028", "End-LSN": "0/50000A0"}],
 *  "Manifest-Checksum": "…"}
 * </pre>
 *
 * <p>A checksum is the four bytes of the CRC, the least significant first, in hexadecimal. That of the manifest is the SHA-256 of
 * all bytes before the line that has it. WAL is not among the files: the range says what must be there.
 */
final class ManifestSink implements DataDirectorySink {
    private static final String PATH = "backup_manifest";
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final DataDirectorySink sink;
    private final String modified;
    private final StringBuilder files = new StringBuilder();
    private final CRC32C crc = new CRC32C();
    private final byte[] zeros = new byte[1 << 13];
    private String path = "";
    private long size;

    ManifestSink(DataDirectorySink sink, Instant modified) {
        this.sink = sink;
        this.modified = TIME.format(modified);
    }

    @Override
    public void tablespace(int oid, String location) throws StorageException {
        sink.tablespace(oid, location);
    }

    @Override
    public void directory(String directory) throws StorageException {
        sink.directory(directory);
    }

    @Override
    public void startFile(String file, long bytes) throws StorageException {
        sink.startFile(file, bytes);
        path = file;
        size = bytes;
        crc.reset();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws StorageException {
        crc.update(bytes, offset, length);
        sink.write(bytes, offset, length);
    }

    @Override
    public void zeros(long count) throws StorageException {
        for (long left = count; left > 0; left -= zeros.length) {
            crc.update(zeros, 0, (int) Math.min(left, zeros.length));
        }
        sink.zeros(count);
    }

    @Override
    public void endFile() throws StorageException {
        sink.endFile();
        if (path.startsWith(DataDirectoryLayout.WAL + "/")) {
            return;
        }
        byte[] checksum = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt((int) crc.getValue())
                .array();
        files.append(files.isEmpty() ? "\n" : ",\n")
                .append("{ \"Path\": \"")
                .append(JsonStringEncoder.getInstance().quoteAsCharArray(path))
                .append("\", \"Size\": ")
                .append(size)
                .append(", \"Last-Modified\": \"")
                .append(modified)
                .append("\", \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"")
                .append(HexFormat.of().formatHex(checksum))
                .append("\" }");
    }

    /** Adds the manifest, once everything else has come. */
    void finish(PostgresVersion version, long systemIdentifier, ShutdownWal wal) throws StorageException {
        boolean identified = version.isAtLeast(PostgresVersion.V17);
        String manifest = "{ \"PostgreSQL-Backup-Manifest-Version\": " + (identified ? 2 : 1) + ",\n"
                + (identified ? "\"System-Identifier\": " + Long.toUnsignedString(systemIdentifier) + ",\n" : "")
                + "\"Files\": [" + files + "\n],\n\"WAL-Ranges\": [\n{ \"Timeline\": "
                + Integer.toUnsignedString(wal.segment().timeline()) + ", \"Start-LSN\": \"" + wal.lsn()
                + "\", \"End-LSN\": \"" + wal.end() + "\" }\n],\n";
        byte[] body = manifest.getBytes(StandardCharsets.UTF_8);
        byte[] end = ("\"Manifest-Checksum\": \"" + HexFormat.of().formatHex(sha256(body)) + "\"}\n")
                .getBytes(StandardCharsets.UTF_8);
        sink.startFile(PATH, (long) body.length + end.length);
        sink.write(body, 0, body.length);
        sink.write(end, 0, end.length);
        sink.endFile();
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    @Override
    public void complete() throws StorageException {
        sink.complete();
    }

    @Override
    public void close() throws StorageException {
        sink.close();
    }
}
