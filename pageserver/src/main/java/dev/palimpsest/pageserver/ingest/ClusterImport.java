package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.pageserver.relation.Listings;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.ClusterKeys;
import dev.palimpsest.storage.key.ControlKeys;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.key.ReplicationOriginKeys;
import dev.palimpsest.storage.key.SlruKeys;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.key.TwoPhaseKeys;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.TimelineImport;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the files of a base backup, in any order, into a new timeline. Pages of large files go straight into image layers.
 *
 * <p>A base backup is fuzzy: what it holds is of any time between its start and its end, and only WAL from its start to its
 * end makes it consistent. Used by one thread. Memory: a chunk of a file, and the lists of what there is.
 */
public final class ClusterImport {
    private static final Logger LOG = LoggerFactory.getLogger(ClusterImport.class);

    private static final int PAGE = 8192;
    private static final int CHUNK = 1 << 20;
    private static final int SEGMENT_BLOCKS = 131072;
    private static final long LARGE_FILE = 8L << 20;
    private static final int MAX_KEPT_FILE = 1 << 20;
    private static final int SLRU_PAGES = 32;
    private static final int ORIGINS_MAGIC = 0x1257DADE;
    private static final int PG_DEFAULT = 1663;
    private static final int PG_GLOBAL = 1664;

    /** A file's content, to be read once. */
    public interface Content<E extends Exception> {
        /** Reads until {@code length} bytes have come or the end; returns how many have. */
        int readFully(byte[] target, int offset, int length) throws E;
    }

    private final TimelineImport target;
    private final RequestContext context;
    private final PostgresVersion version;
    private final Lsn at;
    private final SerializedBatch.Builder values = new SerializedBatch.Builder();
    private final byte[] chunk = new byte[CHUNK];
    private final SortedMap<DatabaseId, Boolean> databases = new TreeMap<>();
    /** Of each fork the length of each of its segments that came, in blocks. */
    private final SortedMap<RelTag, SortedMap<Integer, Integer>> segments = new TreeMap<>();

    private final Map<SlruKind, SortedMap<Integer, Integer>> slrus = new EnumMap<>(SlruKind.class);
    private final SortedSet<Long> prepared = new TreeSet<>();
    private final SortedMap<Integer, String> tablespaces = new TreeMap<>(Integer::compareUnsigned);
    private final SortedMap<String, byte[]> files = new TreeMap<>();
    private @Nullable ControlFile controlFile;
    private long pages;

    /** @param version of the cluster */
    public ClusterImport(TimelineImport target, PostgresVersion version, RequestContext context) {
        this.target = target;
        this.context = context;
        this.version = version;
        this.at = target.at();
        for (SlruKind kind : SlruKind.values()) {
            slrus.put(kind, new TreeMap<>(Integer::compareUnsigned));
        }
        databases.put(new DatabaseId(PG_GLOBAL, 0), false);
    }

    /** A tablespace besides {@code pg_default} and {@code pg_global}, and where it lies. */
    public void tablespace(int oid, String location) {
        tablespaces.put(oid, location);
    }

    /** Another file to be kept: see {@link dev.palimpsest.pageserver.datadir.ClusterAt#files}. */
    public void keep(String path, byte[] content) {
        files.put(path, content);
    }

    /** How many pages of relations have come. */
    public long pages() {
        return pages;
    }

    /** The cluster's control file, once it has come. */
    public @Nullable ControlFile controlFile() {
        return controlFile;
    }

    /**
     * Takes a file.
     *
     * @param tablespace the OID of the tablespace it is in, 0 for the data directory
     * @param path below the data directory, or below the tablespace's directory
     * @param size in bytes
     * @throws InvalidRequestException if it is not what its name says
     */
    public <E extends Exception> void file(int tablespace, String path, long size, Content<E> content)
            throws StorageException, E {
        String[] parts = path.split("/", -1);
        if (tablespace != 0) {
            // PG_17_202406281/16384/16385
            if (parts.length == 3) {
                inDatabase(new DatabaseId(tablespace, number(parts[1], path)), parts[2], path, size, content);
            }
            return;
        }
        switch (parts[0]) {
            case "global" -> {
                if (path.equals(ControlFile.PATH)) {
                    control(all(path, size, content));
                } else if (parts.length == 2) {
                    inDatabase(new DatabaseId(PG_GLOBAL, 0), parts[1], path, size, content);
                }
            }
            case "base" -> {
                if (parts.length == 3 && !parts[1].equals("pgsql_tmp")) {
                    inDatabase(new DatabaseId(PG_DEFAULT, number(parts[1], path)), parts[2], path, size, content);
                }
            }
            case "pg_xact" -> slru(SlruKind.XACT, parts, path, size, content);
            case "pg_multixact" ->
                slru(
                        parts[1].equals("members") ? SlruKind.MULTIXACT_MEMBERS : SlruKind.MULTIXACT_OFFSETS,
                        parts,
                        path,
                        size,
                        content);
            case "pg_commit_ts" -> slru(SlruKind.COMMIT_TIMESTAMPS, parts, path, size, content);
            case "pg_twophase" -> prepared(parts[parts.length - 1], path, all(path, size, content));
            case "pg_logical" -> {
                if (path.equals("pg_logical/replorigin_checkpoint")) {
                    origins(path, all(path, size, content));
                }
            }
            default -> other(parts, path, size, content);
        }
    }

    private <E extends Exception> void other(String[] parts, String path, long size, Content<E> content)
            throws StorageException, E {
        boolean server = parts.length > 1 && parts[0].startsWith("pg_");
        boolean transientFile = switch (path) {
            case "PG_VERSION",
                    "backup_label",
                    "tablespace_map",
                    "backup_manifest",
                    "current_logfiles",
                    "postmaster.opts",
                    "postmaster.pid",
                    "standby.signal",
                    "recovery.signal" -> true;
            default -> path.endsWith(".old") || path.endsWith(".done");
        };
        if (server || transientFile) {
            return;
        }
        if (size > MAX_KEPT_FILE) {
            LOG.warn("base backup: {} has {} bytes and is not kept: it is no file of PostgreSQL's", path, size);
            return;
        }
        files.put(path, all(path, size, content));
    }

    private <E extends Exception> byte[] all(String path, long size, Content<E> content) throws StorageException, E {
        if (size < 0 || size > 64L << 20) {
            throw new InvalidRequestException("base backup: " + path + " has " + size + " bytes");
        }
        byte[] bytes = new byte[(int) size];
        if (content.readFully(bytes, 0, bytes.length) != bytes.length) {
            throw new InvalidRequestException("base backup: " + path + " ends before its " + size + " bytes");
        }
        return bytes;
    }

    private static int number(String text, String path) throws InvalidRequestException {
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException("base backup: " + path + " is no file of PostgreSQL's", e);
        }
    }

    private <E extends Exception> void inDatabase(
            DatabaseId database, String name, String path, long size, Content<E> content) throws StorageException, E {
        databases.putIfAbsent(database, false);
        if (name.equals("pg_filenode.map")) {
            byte[] map = all(path, size, content);
            databases.put(database, true);
            put(RelationKeys.relationMap(database.spcNode(), database.dbNode()), map);
            return;
        }
        RelationFile file = RelationFile.parse(database, name);
        if (file == null) {
            if (!name.equals("PG_VERSION") && !name.startsWith("pg_internal.init") && !name.startsWith("t")) {
                LOG.warn("base backup: {} is no file of PostgreSQL's and is not kept", path);
            }
            return;
        }
        relation(file, path, size, content);
    }

    /** A segment of a fork. */
    private record RelationFile(RelTag fork, int segment) {
        static @Nullable RelationFile parse(DatabaseId database, String name) {
            int dot = name.indexOf('.');
            int underscore = name.indexOf('_');
            int end = underscore >= 0 ? underscore : dot >= 0 ? dot : name.length();
            String suffix = underscore >= 0 ? name.substring(underscore + 1, dot >= 0 ? dot : name.length()) : "";
            int fork = switch (suffix) {
                case "" -> RelTag.MAIN;
                case "fsm" -> RelTag.FREE_SPACE_MAP;
                case "vm" -> RelTag.VISIBILITY_MAP;
                case "init" -> RelTag.INIT;
                default -> -1;
            };
            try {
                int relation = Integer.parseUnsignedInt(name.substring(0, end));
                int segment = dot >= 0 ? Integer.parseInt(name.substring(dot + 1)) : 0;
                return fork < 0 || relation == 0 || segment < 0
                        ? null
                        : new RelationFile(new RelTag(database.spcNode(), database.dbNode(), relation, fork), segment);
            } catch (NumberFormatException e) {
                return null;
            }
        }
    }

    private <E extends Exception> void relation(RelationFile file, String path, long size, Content<E> content)
            throws StorageException, E {
        long blocks = size / PAGE;
        if (blocks > SEGMENT_BLOCKS) {
            throw new InvalidRequestException("base backup: " + path + " has " + size
                    + " bytes; segments of relations have at most " + (long) SEGMENT_BLOCKS * PAGE);
        }
        int first = file.segment * SEGMENT_BLOCKS;
        segments.computeIfAbsent(file.fork, _ -> new TreeMap<>()).put(file.segment, (int) blocks);
        pages += blocks;
        if (size < LARGE_FILE) {
            copy(file.fork, first, (int) blocks, path, content, null);
            flush();
            return;
        }
        Key start = file.fork.blockKey(first);
        try (TimelineImport.Images images = target.images(new KeyRange(start, start.plus(blocks)))) {
            copy(file.fork, first, (int) blocks, path, content, images);
            images.finish();
        }
    }

    private <E extends Exception> void copy(
            RelTag fork, int first, int blocks, String path, Content<E> content, TimelineImport.@Nullable Images images)
            throws StorageException, E {
        int done = 0;
        while (done < blocks) {
            context.checkCancelled();
            int count = Math.min(CHUNK / PAGE, blocks - done);
            if (content.readFully(chunk, 0, count * PAGE) != count * PAGE) {
                throw new InvalidRequestException("base backup: " + path + " ends within its block " + done);
            }
            for (int i = 0; i < count; i++) {
                Key key = fork.blockKey(first + done + i);
                ByteBuffer page = ByteBuffer.wrap(chunk, i * PAGE, PAGE);
                if (images != null) {
                    images.put(key, page);
                } else {
                    values.putImage(key, at, page);
                }
            }
            done += count;
        }
    }

    private <E extends Exception> void slru(SlruKind kind, String[] parts, String path, long size, Content<E> content)
            throws StorageException, E {
        int segment = -1;
        for (dev.palimpsest.postgres.slru.SlruKind each : dev.palimpsest.postgres.slru.SlruKind.values()) {
            if (SlruWriter.kindOf(each) == kind) {
                segment = each.parseSegmentName(parts[parts.length - 1]);
            }
        }
        long count = size / PAGE;
        if (segment < 0 || count > SLRU_PAGES) {
            throw new InvalidRequestException(
                    "base backup: " + path + ", " + size + " bytes, is not a segment of " + kind.directory());
        }
        byte[] bytes = all(path, size, content);
        for (int i = 0; i < count; i++) {
            values.putImage(SlruKeys.block(kind, segment, i), at, ByteBuffer.wrap(bytes, i * PAGE, PAGE));
        }
        put(SlruKeys.segmentSize(kind, segment), Listings.length((int) count));
        slrus.computeIfAbsent(kind, _ -> new TreeMap<>(Integer::compareUnsigned))
                .put(segment, (int) count);
        flush();
    }

    private void prepared(String name, String path, byte[] state) throws StorageException {
        try {
            long xid = Long.parseUnsignedLong(name, 16);
            if (state.length <= Integer.BYTES) {
                throw new InvalidRequestException("base backup: " + path + " has only " + state.length + " bytes");
            }
            put(TwoPhaseKeys.stateFile(xid), Arrays.copyOf(state, state.length - Integer.BYTES));
            prepared.add(xid);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException("base backup: " + path + " is no file of PostgreSQL's", e);
        }
    }

    private void origins(String path, byte[] content) throws StorageException {
        ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        if (content.length < 8 || bytes.getInt() != ORIGINS_MAGIC) {
            throw new InvalidRequestException("base backup: " + path + " does not hold replication origins");
        }
        while (bytes.remaining() >= 16 + Integer.BYTES) {
            int origin = bytes.getShort() & 0xFFFF;
            bytes.position(bytes.position() + 6);
            put(
                    ReplicationOriginKeys.origin(origin),
                    ByteBuffer.allocate(Long.BYTES).putLong(bytes.getLong()).array());
        }
    }

    private void control(byte[] content) throws StorageException {
        try {
            ControlFile file = ControlFile.parse(content);
            if (file.version() != version) {
                throw new InvalidRequestException("base backup: " + ControlFile.PATH + " is of " + file.version()
                        + ", the server said " + version);
            }
            controlFile = file;
            put(ControlKeys.CONTROL_FILE, file.encode());
            byte[] checkPoint = new byte[CheckPoint.SIZE];
            file.checkPoint().encode(checkPoint, 0);
            put(ControlKeys.CHECKPOINT, checkPoint);
        } catch (MalformedFileException e) {
            throw new InvalidRequestException("base backup: " + ControlFile.PATH + ": " + e.getMessage(), e);
        }
    }

    private void put(Key key, byte[] value) throws StorageException {
        values.put(key, at, new Value.Image(value));
    }

    private void flush() throws StorageException {
        target.put(values.build(), context);
        values.clear();
    }

    /**
     * Makes the timeline have it all; see {@link TimelineImport#finish} for what is durable on return.
     *
     * @throws InvalidRequestException if the control file did not come
     */
    public void finish() throws StorageException {
        if (controlFile == null) {
            throw new InvalidRequestException("the base backup has no " + ControlFile.PATH + ": it is not whole");
        }
        for (Map.Entry<RelTag, SortedMap<Integer, Integer>> fork : segments.entrySet()) {
            fork(fork.getKey(), fork.getValue());
            flush();
        }
        put(RelationKeys.DATABASE_DIRECTORY, Listings.databases(databases));
        for (Map.Entry<SlruKind, SortedMap<Integer, Integer>> slru : slrus.entrySet()) {
            TreeSet<Integer> numbers = new TreeSet<>(Integer::compareUnsigned);
            numbers.addAll(slru.getValue().keySet());
            put(SlruKeys.directory(slru.getKey()), Listings.segments(numbers));
        }
        put(TwoPhaseKeys.DIRECTORY, Listings.prepared(prepared, version.isAtLeast(PostgresVersion.V17)));
        put(ClusterKeys.TABLESPACES, Listings.tablespaces(tablespaces));
        put(ClusterKeys.FILES, Listings.files(files));
        flush();
        target.finish(context);
    }

    /** Lists a fork, with its length. A segment that was copied before it was full leaves a gap, which WAL will fill. */
    private void fork(RelTag fork, SortedMap<Integer, Integer> lengths) throws StorageException {
        int lastSegment = lengths.lastKey();
        int lastLength = lengths.getOrDefault(lastSegment, 0);
        ByteBuffer zeros = ByteBuffer.allocate(PAGE);
        for (int segment = 0; segment < lastSegment; segment++) {
            for (int block = lengths.getOrDefault(segment, 0); block < SEGMENT_BLOCKS; block++) {
                values.putImage(fork.blockKey(segment * SEGMENT_BLOCKS + block), at, zeros);
            }
        }
        put(fork.directoryEntryKey(), Listings.entry(true));
        put(fork.sizeKey(), Listings.length(lastSegment * SEGMENT_BLOCKS + lastLength));
    }
}
