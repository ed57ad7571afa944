package dev.palimpsest.pageserver.relation;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The values of keys that list something. Big-endian; each starts with the number of entries as u64. Neon's are those up
 * to the prepared transactions; it reads entries in any order, and these are written in ascending order.
 *
 * <pre>
 * database directory       u32 tablespace, u32 database, u8 1 if it has a relation map
 * SLRU directory           u32 segment
 * prepared transactions    u32 transaction up to PostgreSQL 16, u64 since 17
 * tablespaces              u32 tablespace, u64 bytes, UTF-8 path
 * files                    u64 bytes, UTF-8 path, u64 bytes, content
 * </pre>
 *
 * <p>A fork's entry of the relation directory, version 2, is {@code r} if it exists, and empty if not. A fork's or a
 * segment's length is a u32 in <em>little</em>-endian order.
 */
public final class Listings {
    private static final byte[] EXISTS = {'r'};
    private static final byte[] GONE = {};

    private Listings() {}

    /** A database in a tablespace. */
    public record DatabaseId(int spcNode, int dbNode) implements Comparable<DatabaseId> {
        @Override
        public int compareTo(DatabaseId other) {
            int order = Integer.compareUnsigned(spcNode, other.spcNode);
            return order != 0 ? order : Integer.compareUnsigned(dbNode, other.dbNode);
        }

        @Override
        public String toString() {
            return Integer.toUnsignedString(spcNode) + "/" + Integer.toUnsignedString(dbNode);
        }
    }

    /** The database directory; each with whether it has a relation map. */
    public static byte[] databases(SortedMap<DatabaseId, Boolean> databases) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + 9 * databases.size()).putLong(databases.size());
        databases.forEach(
                (id, hasMap) -> bytes.putInt(id.spcNode).putInt(id.dbNode).put((byte) (hasMap ? 1 : 0)));
        return bytes.array();
    }

    /** The database directory in these bytes. */
    public static SortedMap<DatabaseId, Boolean> databases(byte[] bytes, String resource) throws CorruptionException {
        Reader reader = new Reader(bytes, resource);
        SortedMap<DatabaseId, Boolean> databases = new TreeMap<>();
        for (long left = reader.count(9); left > 0; left--) {
            databases.put(new DatabaseId(reader.source.getInt(), reader.source.getInt()), reader.source.get() != 0);
        }
        reader.end();
        return databases;
    }

    /** An SLRU's directory. */
    public static byte[] segments(SortedSet<Integer> segments) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + 4 * segments.size()).putLong(segments.size());
        segments.forEach(bytes::putInt);
        return bytes.array();
    }

    /** An SLRU's directory in these bytes, in unsigned order. */
    public static SortedSet<Integer> segments(byte[] bytes, String resource) throws CorruptionException {
        Reader reader = new Reader(bytes, resource);
        SortedSet<Integer> segments = new TreeSet<>(Integer::compareUnsigned);
        for (long left = reader.count(4); left > 0; left--) {
            segments.add(reader.source.getInt());
        }
        reader.end();
        return segments;
    }

    /** @param wide whether transaction IDs come with their epoch, as since PostgreSQL 17 */
    public static byte[] prepared(SortedSet<Long> xids, boolean wide) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + (wide ? 8 : 4) * xids.size()).putLong(xids.size());
        xids.forEach(xid -> {
            if (wide) {
                bytes.putLong(xid);
            } else {
                bytes.putInt((int) (long) xid);
            }
        });
        return bytes.array();
    }

    /** @param wide as {@link #prepared(SortedSet, boolean)} */
    public static SortedSet<Long> prepared(byte[] bytes, boolean wide, String resource) throws CorruptionException {
        Reader reader = new Reader(bytes, resource);
        SortedSet<Long> xids = new TreeSet<>();
        for (long left = reader.count(wide ? 8 : 4); left > 0; left--) {
            xids.add(wide ? reader.source.getLong() : Integer.toUnsignedLong(reader.source.getInt()));
        }
        reader.end();
        return xids;
    }

    /** Tablespaces and where they lie. */
    public static byte[] tablespaces(SortedMap<Integer, String> tablespaces) {
        int size = 8;
        for (String path : tablespaces.values()) {
            size += 4 + 8 + path.getBytes(StandardCharsets.UTF_8).length;
        }
        ByteBuffer bytes = ByteBuffer.allocate(size).putLong(tablespaces.size());
        tablespaces.forEach((oid, path) -> putBytes(bytes.putInt(oid), path.getBytes(StandardCharsets.UTF_8)));
        return bytes.array();
    }

    /** The tablespaces in these bytes. */
    public static SortedMap<Integer, String> tablespaces(byte[] bytes, String resource) throws CorruptionException {
        Reader reader = new Reader(bytes, resource);
        SortedMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
        for (long left = reader.count(12); left > 0; left--) {
            reader.need(4);
            int oid = reader.source.getInt();
            tablespaces.put(oid, new String(reader.bytes(), StandardCharsets.UTF_8));
        }
        reader.end();
        return tablespaces;
    }

    /** Files by their paths. */
    public static byte[] files(SortedMap<String, byte[]> files) {
        int size = 8;
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            size += 16 + file.getKey().getBytes(StandardCharsets.UTF_8).length + file.getValue().length;
        }
        ByteBuffer bytes = ByteBuffer.allocate(size).putLong(files.size());
        files.forEach((path, content) -> {
            putBytes(bytes, path.getBytes(StandardCharsets.UTF_8));
            putBytes(bytes, content);
        });
        return bytes.array();
    }

    /** The files in these bytes. */
    public static SortedMap<String, byte[]> files(byte[] bytes, String resource) throws CorruptionException {
        Reader reader = new Reader(bytes, resource);
        SortedMap<String, byte[]> files = new TreeMap<>();
        for (long left = reader.count(16); left > 0; left--) {
            String path = new String(reader.bytes(), StandardCharsets.UTF_8);
            files.put(path, reader.bytes());
        }
        reader.end();
        return files;
    }

    private static void putBytes(ByteBuffer target, byte[] bytes) {
        target.putLong(bytes.length).put(bytes);
    }

    /** A length in blocks. */
    public static byte[] length(int blocks) {
        return ByteBuffer.allocate(4).putInt(Integer.reverseBytes(blocks)).array();
    }

    /** The length in these bytes; Neon's import writes 8 of which the first 4 count. */
    public static int length(byte[] bytes, String resource) throws CorruptionException {
        if (bytes.length != 4 && bytes.length != 8) {
            throw new CorruptionException(resource, 0, "a length in blocks of " + bytes.length + " bytes");
        }
        return Integer.reverseBytes(ByteBuffer.wrap(bytes).getInt());
    }

    /** A fork's entry of the relation directory. */
    public static byte[] entry(boolean exists) {
        return exists ? EXISTS : GONE;
    }

    /** Whether the fork of this entry exists. */
    public static boolean exists(byte[] entry) {
        return entry.length > 0;
    }

    /** Takes fields out of untrusted bytes. */
    private static final class Reader {
        private final ByteBuffer source;
        private final String resource;

        Reader(byte[] bytes, String resource) {
            this.source = ByteBuffer.wrap(bytes);
            this.resource = resource;
        }

        void need(int size) throws CorruptionException {
            if (source.remaining() < size) {
                throw new CorruptionException(
                        resource, source.position(), "a listing ends early: " + size + " bytes are missing");
            }
        }

        /** The number of entries, of which there is room for as many. */
        long count(int entrySize) throws CorruptionException {
            need(8);
            long count = source.getLong();
            if (count < 0 || count > source.remaining() / entrySize) {
                throw new CorruptionException(
                        resource,
                        0,
                        "a listing of " + Long.toUnsignedString(count) + " entries in " + source.capacity() + " bytes");
            }
            return count;
        }

        byte[] bytes() throws CorruptionException {
            need(8);
            long length = source.getLong();
            if (length < 0 || length > source.remaining()) {
                throw new CorruptionException(
                        resource,
                        source.position(),
                        "an entry of " + Long.toUnsignedString(length) + " bytes where " + source.remaining()
                                + " are left");
            }
            byte[] bytes = new byte[(int) length];
            source.get(bytes);
            return bytes;
        }

        void end() throws CorruptionException {
            if (source.hasRemaining()) {
                throw new CorruptionException(
                        resource, source.position(), source.remaining() + " bytes follow the end of a listing");
            }
        }
    }
}
