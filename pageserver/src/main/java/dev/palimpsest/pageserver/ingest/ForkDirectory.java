package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.Listings;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.RelationKeys;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.value.Value;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which databases and forks there are and how long, as of the last change that was applied: what is written goes into a
 * batch, what was read or written is kept. Lengths are unsigned.
 *
 * <p>A fork's block that did not exist before its extension must not show what a block of the same number held before the
 * fork was cut or dropped: every block in a gap gets an image of zeros, and so does the last one, just before the record
 * that extends, if that record does not say all that is in it.
 */
final class ForkDirectory {
    /** How many forks are kept between batches. */
    private static final int KEPT = 1 << 16;

    private static final int GONE = -1;
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(8192).asReadOnlyBuffer();

    private final Supplier<ClusterReader> reader;
    private final SerializedBatch.Builder target;
    private final RelationLengths readers;
    private final LinkedHashMap<RelTag, Integer> lengths = new LinkedHashMap<>(1024, 0.75f, true);
    /** Lengths that are not in the batch yet, all as of one LSN; so is the list of databases. */
    private final Map<RelTag, Integer> unwritten = new LinkedHashMap<>();

    private boolean databasesUnwritten;
    private Lsn unwrittenAt = Lsn.INVALID;
    private @Nullable SortedMap<DatabaseId, Boolean> databases;

    /** @param readers told of every change, before it can be read */
    ForkDirectory(Supplier<ClusterReader> reader, SerializedBatch.Builder target, RelationLengths readers) {
        this.reader = reader;
        this.target = target;
        this.readers = readers;
        readers.forget();
    }

    /** To be called between batches: nothing that is not finished may be forgotten. */
    void forgetSome() {
        while (lengths.size() > KEPT) {
            lengths.pollFirstEntry();
        }
        readers.forgetIfMany();
    }

    /** The length of a fork, or nothing if it does not exist. */
    OptionalInt length(RelTag fork) throws StorageException {
        Integer known = lengths.get(fork);
        if (known == null) {
            OptionalInt read =
                    databases().containsKey(databaseOf(fork)) ? reader.get().relationLength(fork) : OptionalInt.empty();
            known = read.orElse(GONE);
            lengths.put(fork, known);
        }
        return known == GONE ? OptionalInt.empty() : OptionalInt.of(known);
    }

    private static DatabaseId databaseOf(RelTag fork) {
        return new DatabaseId(fork.spcNode(), fork.dbNode());
    }

    /** Makes sure that a fork exists. */
    void create(RelTag fork, Lsn lsn) throws StorageException {
        if (length(fork).isEmpty()) {
            addDatabase(databaseOf(fork), false, lsn);
            put(fork.directoryEntryKey(), lsn, Listings.entry(true));
            setLength(fork, 0, lsn);
        }
    }

    /** Makes sure that a fork exists and has {@code blocks} blocks or more. */
    void extend(RelTag fork, int blocks, boolean blankLast, Lsn lsn) throws StorageException {
        create(fork, lsn);
        int length = length(fork).orElseThrow();
        if (Integer.compareUnsigned(length, blocks) >= 0) {
            return;
        }
        int last = blocks - 1;
        for (int block = length; block != last; block++) {
            target.putImage(fork.blockKey(block), lsn, ZEROS);
        }
        if (blankLast) {
            target.putImage(fork.blockKey(last), lsn.minus(1), ZEROS);
        }
        setLength(fork, blocks, lsn);
    }

    /** Sets the length of a fork that exists. */
    void setLength(RelTag fork, int blocks, Lsn lsn) throws StorageException {
        goTo(lsn);
        unwritten.put(fork, blocks);
        lengths.put(fork, blocks);
        readers.changed(fork, blocks, lsn);
    }

    private void goTo(Lsn lsn) throws StorageException {
        if (!lsn.equals(unwrittenAt)) {
            writeListings();
            unwrittenAt = lsn;
        }
    }

    /** To be called once all changes of a batch are made: a record may change a length or the databases more than once. */
    void writeListings() throws StorageException {
        if (databasesUnwritten) {
            put(RelationKeys.DATABASE_DIRECTORY, unwrittenAt, Listings.databases(databases()));
            databasesUnwritten = false;
        }
        for (Map.Entry<RelTag, Integer> length : unwritten.entrySet()) {
            put(length.getKey().sizeKey(), unwrittenAt, Listings.length(length.getValue()));
        }
        unwritten.clear();
    }

    /** Drops a fork if it exists. */
    void drop(RelTag fork, Lsn lsn) throws StorageException {
        if (length(fork).isPresent()) {
            put(fork.directoryEntryKey(), lsn, Listings.entry(false));
            lengths.put(fork, GONE);
            readers.dropped(fork, lsn);
        }
    }

    private SortedMap<DatabaseId, Boolean> databases() throws StorageException {
        SortedMap<DatabaseId, Boolean> now = databases;
        if (now == null) {
            now = reader.get().databases();
            databases = now;
        }
        return now;
    }

    /** Makes sure that a database is in a tablespace. */
    void addDatabase(DatabaseId database, boolean hasRelationMap, Lsn lsn) throws StorageException {
        SortedMap<DatabaseId, Boolean> now = databases();
        Boolean known = now.get(database);
        if (known == null || (hasRelationMap && !known)) {
            goTo(lsn);
            now.put(database, hasRelationMap);
            databasesUnwritten = true;
        }
    }

    /** Drops all that a database has in a tablespace, if it is there; nothing of it may be in the batch. */
    void dropDatabase(DatabaseId database, Lsn lsn) throws StorageException {
        SortedMap<DatabaseId, Boolean> now = databases();
        if (!now.containsKey(database)) {
            return;
        }
        for (RelTag fork : reader.get().relations(database).keySet()) {
            put(fork.directoryEntryKey(), lsn, Listings.entry(false));
            readers.dropped(fork, lsn);
        }
        goTo(lsn);
        now.remove(database);
        databasesUnwritten = true;
        lengths.replaceAll((fork, length) -> databaseOf(fork).equals(database) ? Integer.valueOf(GONE) : length);
    }

    private void put(Key key, Lsn lsn, byte[] value) throws StorageException {
        target.put(key, lsn, new Value.Image(value));
    }
}
