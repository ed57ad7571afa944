package dev.palimpsest.storage.key;

/**
 * A fork of a relation, as keys name it. Sorts by tablespace, database, relation number and fork, all unsigned, which is the
 * order of its keys.
 *
 * @param spcNode the OID of the tablespace, any 32-bit number
 * @param dbNode the OID of the database, 0 for what all databases share
 * @param relNode the number of the relation's file; not its OID in the catalog, which a rewrite does not change
 * @param forkNumber 0 main, 1 free space map, 2 visibility map, 3 init; PostgreSQL has no other, the store has room up to 255
 */
public record RelTag(int spcNode, int dbNode, int relNode, int forkNumber) implements Comparable<RelTag> {
    /** The fork with the data. */
    public static final int MAIN = 0;

    /** The fork with the free space map. */
    public static final int FREE_SPACE_MAP = 1;

    /** The fork with the visibility map. */
    public static final int VISIBILITY_MAP = 2;

    /** The fork that an unlogged relation is reset to. */
    public static final int INIT = 3;

    /** @throws IllegalArgumentException if the fork is not in 0 to 255 */
    public RelTag {
        if (forkNumber < 0 || forkNumber > 0xFF) {
            throw new IllegalArgumentException("not a fork: " + forkNumber);
        }
    }

    /**
     * The fork that a block, a size or a directory entry belongs to.
     *
     * @throws IllegalArgumentException if {@code key} is none of them
     */
    public static RelTag of(Key key) {
        if (!RelationKeys.isBlock(key) && !RelationKeys.isSize(key) && !RelationKeys.isDirectoryEntry(key)) {
            throw new IllegalArgumentException("key " + key + " belongs to no relation");
        }
        return new RelTag(key.field2(), key.field3(), key.field4(), key.field5());
    }

    /**
     * The key of a block.
     *
     * @param block unsigned; 2^32 - 1 is PostgreSQL's {@code InvalidBlockNumber} and no block
     */
    public Key blockKey(int block) {
        if (block == RelationKeys.SIZE_MARK) {
            throw new IllegalArgumentException("no block of " + this + " has the number 4294967295");
        }
        return Key.of(RelationKeys.KIND, spcNode, dbNode, relNode, forkNumber, block);
    }

    /** The key of the fork's size in blocks; comes after those of all its blocks. */
    public Key sizeKey() {
        return Key.of(RelationKeys.KIND, spcNode, dbNode, relNode, forkNumber, RelationKeys.SIZE_MARK);
    }

    /** The keys of the fork's blocks and its size. */
    public KeyRange range() {
        return new KeyRange(blockKey(0), sizeKey().next());
    }

    /** The key of the fork's own entry in the relation directory, version 2. */
    public Key directoryEntryKey() {
        return Key.of(RelationKeys.DIRECTORY_ENTRY_KIND, spcNode, dbNode, relNode, forkNumber, 1);
    }

    @Override
    public int compareTo(RelTag other) {
        int order = Integer.compareUnsigned(spcNode, other.spcNode);
        if (order == 0) {
            order = Integer.compareUnsigned(dbNode, other.dbNode);
        }
        if (order == 0) {
            order = Integer.compareUnsigned(relNode, other.relNode);
        }
        return order != 0 ? order : Integer.compare(forkNumber, other.forkNumber);
    }

    /** {@code 1663/5/16384}, and {@code _fsm}, {@code _vm} or {@code _init} where PostgreSQL's file name has it. */
    @Override
    public String toString() {
        String relation = Integer.toUnsignedString(spcNode) + "/" + Integer.toUnsignedString(dbNode) + "/"
                + Integer.toUnsignedString(relNode);
        return relation
                + switch (forkNumber) {
                    case MAIN -> "";
                    case FREE_SPACE_MAP -> "_fsm";
                    case VISIBILITY_MAP -> "_vm";
                    case INIT -> "_init";
                    default -> "_fork" + forkNumber;
                };
    }
}
