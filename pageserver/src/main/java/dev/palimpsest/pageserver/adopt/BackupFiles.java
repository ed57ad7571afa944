package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The files of a base backup, in whatever form it is. */
abstract sealed class BackupFiles implements AutoCloseable permits PlainBackup, TarBackup {
    static final String TABLESPACE_MAP = "tablespace_map";

    /** What is read beforehand, where it is there. */
    static final Set<String> SMALL = Set.of(
            BackupLabel.PATH, TABLESPACE_MAP, DataDirectoryLayout.VERSION_FILE, DataDirectoryLayout.CONTROL_FILE);

    static final int MAX_SMALL = 1 << 20;

    /** Directories whose content belongs to a run of the server, or is WAL. */
    private static final Set<String> LEFT_OUT = Set.of(
            "pg_wal",
            "pg_replslot",
            "pg_stat",
            "pg_stat_tmp",
            "pg_dynshmem",
            "pg_notify",
            "pg_serial",
            "pg_snapshots",
            "pg_subtrans");

    /** Takes the files. */
    interface Visitor {
        /**
         * A file.
         *
         * @param tablespace its OID, 0 for the data directory
         * @param path below the data directory, or below the tablespace's
         * @param content so many bytes are read of it; not to be closed
         */
        void file(int tablespace, String path, long size, InputStream content) throws IOException;
    }

    /** Where a file belongs. */
    record Place(int tablespace, String path) {
        /** Of a path below the data directory, as tablespaces within it have one; null if the file is left out. */
        static @Nullable Place of(String path) {
            String[] parts = path.split("/", 3);
            if (parts.length > 1 && LEFT_OUT.contains(parts[0])) {
                return null;
            }
            if (parts.length == 3 && parts[0].equals(DataDirectoryLayout.TABLESPACES)) {
                Integer oid = oid(parts[1]);
                return oid == null ? null : new Place(oid, parts[2]);
            }
            return new Place(0, path);
        }
    }

    /** A file of {@link #SMALL}; null if the backup has none. */
    abstract byte @Nullable [] small(String path);

    /** The directory with the WAL that came with the backup; null if none did. */
    abstract @Nullable Path wal();

    /** Where tablespaces lay, by OID, as far as the files themselves tell. */
    abstract SortedMap<Integer, String> tablespaces();

    /** The bytes of all files that are sent. */
    abstract long bytes();

    /** What messages call it. */
    abstract Path path();

    /** Gives every file but WAL. */
    abstract void send(Visitor visitor) throws IOException;

    @Override
    public void close() throws IOException {}

    /** An OID as it names directories and archives; null if the text is none. */
    static @Nullable Integer oid(String text) {
        try {
            int oid = Integer.parseUnsignedInt(text);
            return oid == 0 ? null : oid;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Reads {@code tablespace_map}: an OID, a space and a location in each line; a backslash makes what follows it literal. */
    static SortedMap<Integer, String> parseMap(byte @Nullable [] content) {
        SortedMap<Integer, String> map = new TreeMap<>(Integer::compareUnsigned);
        if (content == null) {
            return map;
        }
        StringBuilder line = new StringBuilder();
        String text = new String(content, StandardCharsets.UTF_8);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                i++;
                line.append(text.charAt(i));
            } else if (c == '\n') {
                int space = line.indexOf(" ");
                Integer oid = oid(line.substring(0, Math.max(0, space)));
                if (oid != null) {
                    map.put(oid, line.substring(space + 1));
                }
                line.setLength(0);
            } else {
                line.append(c);
            }
        }
        return map;
    }
}
