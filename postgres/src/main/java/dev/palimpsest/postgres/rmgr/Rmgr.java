package dev.palimpsest.postgres.rmgr;

import org.jspecify.annotations.Nullable;

/** PostgreSQL's own resource managers, in the order of their numbers; the same in all versions from 14 to 18. */
public enum Rmgr {
    /** Checkpoints and page images. */
    XLOG("XLOG"),
    /** Commit and abort. */
    TRANSACTION("Transaction"),
    /** Files of relations. */
    STORAGE("Storage"),
    /** Pages of the commit log. */
    CLOG("CLOG"),
    /** Creating and dropping databases. */
    DATABASE("Database"),
    /** Creating and dropping tablespaces. */
    TABLESPACE("Tablespace"),
    /** Transactions that lock a row together. */
    MULTIXACT("MultiXact"),
    /** The map from system catalogs to files. */
    RELMAP("RelMap"),
    /** What a hot standby needs to know. */
    STANDBY("Standby"),
    /** Tables: vacuum, multi-insert and what found no room in the other. */
    HEAP2("Heap2"),
    /** Tables. */
    HEAP("Heap"),
    /** B-tree indexes. */
    BTREE("Btree"),
    /** Hash indexes. */
    HASH("Hash"),
    /** Inverted indexes. */
    GIN("Gin"),
    /** Generalised search trees. */
    GIST("Gist"),
    /** Sequences. */
    SEQUENCE("Sequence"),
    /** Space-partitioned trees. */
    SPGIST("SPGist"),
    /** Block range indexes. */
    BRIN("BRIN"),
    /** Commit timestamps. */
    COMMIT_TS("CommitTs"),
    /** Progress of logical replication. */
    REPLICATION_ORIGIN("ReplicationOrigin"),
    /** Changes to a page as bytes, of extensions. */
    GENERIC("Generic"),
    /** Messages for logical decoding. */
    LOGICAL_MESSAGE("LogicalMessage");

    private static final Rmgr[] ALL = values();

    private final String label;

    Rmgr(String label) {
        this.label = label;
    }

    /** The one with this number, or null: that of an extension, or none at all. */
    public static @Nullable Rmgr of(int id) {
        return id >= 0 && id < ALL.length ? ALL[id] : null;
    }

    /** The name for the number, also of an extension's: {@code custom128}. */
    public static String nameOf(int id) {
        Rmgr manager = of(id);
        return manager == null ? "custom" + id : manager.label;
    }

    /** Its number in a record, 0 to 21. */
    public int id() {
        return ordinal();
    }

    /** PostgreSQL's name for it. */
    @Override
    public String toString() {
        return label;
    }
}
