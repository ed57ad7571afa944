package dev.palimpsest.storage.key;

/**
 * The keys of databases and relations. {@link RelTag} gives those of one fork.
 *
 * <pre>
 * key                     f1  f2   f3  f4   f5    f6
 * database directory      00  0    0   0    0     0
 * pg_filenode.map         00  SPC  DB  0    0     0
 * relation directory, v1  00  SPC  DB  0    0     1
 * block                   00  SPC  DB  REL  FORK  block number
 * size in blocks          00  SPC  DB  REL  FORK  FFFFFFFF
 * relation directory, v2  65  SPC  DB  REL  FORK  1            one key for each fork; sparse
 * </pre>
 */
public final class RelationKeys {
    /** The database directory: which databases there are in which tablespaces. */
    public static final Key DATABASE_DIRECTORY = Key.MIN;

    static final int KIND = 0;
    static final int DIRECTORY_ENTRY_KIND = 0x65;
    static final int SIZE_MARK = 0xFFFF_FFFF;

    private static final int DIRECTORY_MARK = 1;

    /** The entries of the relation directories, version 2, of all databases. */
    public static final KeyRange DIRECTORY_ENTRIES = KeyRange.ofKinds(DIRECTORY_ENTRY_KIND, DIRECTORY_ENTRY_KIND + 1);

    private RelationKeys() {}

    /** The {@code pg_filenode.map} of a database, or of what all share (tablespace 1664, database 0). */
    public static Key relationMap(int spcNode, int dbNode) {
        return Key.of(KIND, spcNode, dbNode, 0, 0, 0);
    }

    /** The relation directory, version 1, of a database: one value with all its relations in a tablespace. */
    public static Key relationDirectory(int spcNode, int dbNode) {
        return Key.of(KIND, spcNode, dbNode, 0, 0, DIRECTORY_MARK);
    }

    /** Everything of a database in a tablespace, but for the entries of the relation directory, version 2. */
    public static KeyRange database(int spcNode, int dbNode) {
        return wholeDatabase(KIND, spcNode, dbNode);
    }

    /** The entries of the relation directory, version 2, of a database in a tablespace. */
    public static KeyRange directoryEntries(int spcNode, int dbNode) {
        return wholeDatabase(DIRECTORY_ENTRY_KIND, spcNode, dbNode);
    }

    /** Without the very last key, which no relation can have; that is what Neon's layers and tools expect. */
    private static KeyRange wholeDatabase(int kind, int spcNode, int dbNode) {
        return new KeyRange(Key.of(kind, spcNode, dbNode, 0, 0, 0), Key.of(kind, spcNode, dbNode, -1, 0xFF, -1));
    }

    /** {@link Key#high} of a block, for whoever makes no object for each key. */
    public static long blockHigh(int spcNode, int dbNode) {
        return (long) KIND << 56 | (spcNode & 0xFFFF_FFFFL) << 24 | dbNode >>> 8;
    }

    /** {@link Key#middle} of a block. */
    public static long blockMiddle(int dbNode, int relNode, int forkNumber, int block) {
        return (long) dbNode << 56 | (relNode & 0xFFFF_FFFFL) << 24 | (long) forkNumber << 16 | block >>> 16;
    }

    /** {@link Key#low} of a block. */
    public static char blockLow(int block) {
        return (char) block;
    }

    /** Whether it is a block of any fork of a relation. */
    public static boolean isBlock(Key key) {
        return key.field1() == KIND && key.field4() != 0 && key.field6() != SIZE_MARK;
    }

    /** Whether it is a block of a free space map. */
    public static boolean isFreeSpaceMapBlock(Key key) {
        return isBlock(key) && key.field5() == RelTag.FREE_SPACE_MAP;
    }

    /** Whether it is a block of a visibility map. */
    public static boolean isVisibilityMapBlock(Key key) {
        return isBlock(key) && key.field5() == RelTag.VISIBILITY_MAP;
    }

    /** Whether it is the size of a fork. */
    public static boolean isSize(Key key) {
        return key.field1() == KIND && key.field6() == SIZE_MARK;
    }

    /** Whether it is a {@code pg_filenode.map}. */
    public static boolean isRelationMap(Key key) {
        return isOfDatabase(key) && key.field6() == 0;
    }

    /** Whether it is a relation directory, version 1; also that of database 0, which Neon's own test leaves out. */
    public static boolean isRelationDirectory(Key key) {
        return isOfDatabase(key) && key.field6() == DIRECTORY_MARK;
    }

    private static boolean isOfDatabase(Key key) {
        return key.field1() == KIND && key.field2() != 0 && key.field4() == 0 && key.field5() == 0;
    }

    /** Whether it is an entry of a relation directory, version 2. */
    public static boolean isDirectoryEntry(Key key) {
        return key.field1() == DIRECTORY_ENTRY_KIND && key.field6() == DIRECTORY_MARK;
    }
}
