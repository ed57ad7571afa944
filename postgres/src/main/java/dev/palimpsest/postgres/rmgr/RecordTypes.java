package dev.palimpsest.postgres.rmgr;

import static dev.palimpsest.postgres.PostgresVersion.V15;
import static dev.palimpsest.postgres.PostgresVersion.V17;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The types of records that a version writes, by resource manager and the high half of {@code xl_info}, with the names
 * that PostgreSQL's own tools give them. Immutable.
 */
public final class RecordTypes {
    private static final int CODES = 16;
    private static final int INIT = 0x80;
    private static final Map<PostgresVersion, RecordTypes> OF_VERSION = new EnumMap<>(PostgresVersion.class);

    static {
        for (PostgresVersion version : PostgresVersion.values()) {
            OF_VERSION.put(version, new RecordTypes(version));
        }
    }

    private final PostgresVersion version;
    private final @Nullable RecordType[] types = new @Nullable RecordType[Rmgr.values().length * CODES];

    private RecordTypes(PostgresVersion version) {
        this.version = version;
        addSystem();
        addTransactions();
        addHeap();
        addBtreeAndHash();
        addOtherIndexes();
    }

    /** The types of this version. */
    public static RecordTypes of(PostgresVersion version) {
        RecordTypes types = OF_VERSION.get(version);
        if (types == null) {
            throw new IllegalStateException("no table for " + version);
        }
        return types;
    }

    /** The type of a record, or null if it is an extension's or the version has no such type. */
    public static @Nullable RecordType typeOf(WalRecord record) {
        return of(record.version()).find(record.resourceManagerId(), record.info());
    }

    /** The name of a record's type with that of its resource manager: {@code Heap/INSERT}; any record has one. */
    public static String nameOf(WalRecord record) {
        return Rmgr.nameOf(record.resourceManagerId()) + "/"
                + of(record.version()).name(record.resourceManagerId(), record.info());
    }

    /**
     * The type with this number of resource manager and these flags, or null if the version has no such type.
     *
     * @param info {@code xl_info}; the low half is not looked at
     */
    public @Nullable RecordType find(int managerId, int info) {
        return Rmgr.of(managerId) == null ? null : types[managerId * CODES + (info >> 4 & 0xF)];
    }

    /** The name of that type, {@code UNKNOWN (f0)} if there is none. */
    public String name(int managerId, int info) {
        RecordType type = find(managerId, info);
        return type == null ? "UNKNOWN (" + Integer.toHexString(info & 0xF0) + ")" : type.name();
    }

    /** All types, in the order of resource managers and codes. */
    public List<RecordType> all() {
        List<RecordType> all = new ArrayList<>();
        for (RecordType type : types) {
            if (type != null && !all.contains(type)) {
                all.add(type);
            }
        }
        return List.copyOf(all);
    }

    private void add(Rmgr manager, int code, String name) {
        set(manager, code, new RecordType(manager, code, name));
    }

    private void set(Rmgr manager, int code, RecordType type) {
        int slot = manager.id() * CODES + (code >> 4);
        if (types[slot] != null) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT, "two types of %s have the code %02X in %s: %s", manager, code, version, type));
        }
        types[slot] = type;
    }

    /** Adds names for the codes 0x00, 0x10, and so on; an empty one leaves its code out. */
    private void addInOrder(Rmgr manager, String... names) {
        for (int i = 0; i < names.length; i++) {
            if (!names[i].isEmpty()) {
                add(manager, i << 4, names[i]);
            }
        }
    }

    private boolean since(PostgresVersion first) {
        return version.isAtLeast(first);
    }

    private void addSystem() {
        addInOrder(
                Rmgr.XLOG,
                "CHECKPOINT_SHUTDOWN",
                "CHECKPOINT_ONLINE",
                "NOOP",
                "NEXTOID",
                "SWITCH",
                "BACKUP_END",
                "PARAMETER_CHANGE",
                "RESTORE_POINT",
                "FPW_CHANGE",
                "END_OF_RECOVERY",
                "FPI_FOR_HINT",
                "FPI");
        add(Rmgr.XLOG, 0xD0, "OVERWRITE_CONTRECORD");
        if (since(V17)) {
            add(Rmgr.XLOG, 0xE0, "CHECKPOINT_REDO");
        }
        addInOrder(Rmgr.STORAGE, "", "CREATE", "TRUNCATE");
        if (since(V15)) {
            addInOrder(Rmgr.DATABASE, "CREATE_FILE_COPY", "CREATE_WAL_LOG", "DROP");
        } else {
            addInOrder(Rmgr.DATABASE, "CREATE", "DROP");
        }
        addInOrder(Rmgr.TABLESPACE, "CREATE", "DROP");
        addInOrder(Rmgr.RELMAP, "UPDATE");
        addInOrder(Rmgr.STANDBY, "LOCK", "RUNNING_XACTS", "INVALIDATIONS");
        addInOrder(Rmgr.REPLICATION_ORIGIN, "SET", "DROP");
        addInOrder(Rmgr.LOGICAL_MESSAGE, "MESSAGE");
        RecordType generic = new RecordType(Rmgr.GENERIC, 0, "Generic");
        for (int code = 0; code < CODES; code++) {
            set(Rmgr.GENERIC, code << 4, generic);
        }
    }

    /** Commit and abort use the highest bit as a flag that is not part of the type. */
    private void addTransactions() {
        addInOrder(
                Rmgr.TRANSACTION,
                "COMMIT",
                "PREPARE",
                "ABORT",
                "COMMIT_PREPARED",
                "ABORT_PREPARED",
                "ASSIGNMENT",
                "INVALIDATION");
        for (int code = 0; code <= 0x60; code += 0x10) {
            RecordType type = find(Rmgr.TRANSACTION.id(), code);
            if (type != null) {
                set(Rmgr.TRANSACTION, code | INIT, type);
            }
        }
        addInOrder(Rmgr.CLOG, "ZEROPAGE", "TRUNCATE");
        addInOrder(Rmgr.MULTIXACT, "ZERO_OFF_PAGE", "ZERO_MEM_PAGE", "CREATE_ID", "TRUNCATE_ID");
        addInOrder(Rmgr.COMMIT_TS, "ZEROPAGE", "TRUNCATE");
    }

    private void addHeap() {
        addInOrder(
                Rmgr.HEAP, "INSERT", "DELETE", "UPDATE", "TRUNCATE", "HOT_UPDATE", "HEAP_CONFIRM", "LOCK", "INPLACE");
        add(Rmgr.HEAP, INIT, "INSERT+INIT");
        add(Rmgr.HEAP, 0x20 | INIT, "UPDATE+INIT");
        add(Rmgr.HEAP, 0x40 | INIT, "HOT_UPDATE+INIT");
        boolean combined = since(V17);
        addInOrder(
                Rmgr.HEAP2,
                "REWRITE",
                combined ? "PRUNE_ON_ACCESS" : "PRUNE",
                combined ? "PRUNE_VACUUM_SCAN" : "VACUUM",
                combined ? "PRUNE_VACUUM_CLEANUP" : "FREEZE_PAGE",
                "VISIBLE",
                "MULTI_INSERT",
                "LOCK_UPDATED",
                "NEW_CID");
        add(Rmgr.HEAP2, 0x50 | INIT, "MULTI_INSERT+INIT");
        addInOrder(Rmgr.SEQUENCE, "LOG");
    }

    private void addBtreeAndHash() {
        addInOrder(
                Rmgr.BTREE,
                "INSERT_LEAF",
                "INSERT_UPPER",
                "INSERT_META",
                "SPLIT_L",
                "SPLIT_R",
                "INSERT_POST",
                "DEDUP",
                "DELETE",
                "UNLINK_PAGE",
                "UNLINK_PAGE_META",
                "NEWROOT",
                "MARK_PAGE_HALFDEAD",
                "VACUUM",
                "REUSE_PAGE",
                "META_CLEANUP");
        addInOrder(
                Rmgr.HASH,
                "INIT_META_PAGE",
                "INIT_BITMAP_PAGE",
                "INSERT",
                "ADD_OVFL_PAGE",
                "SPLIT_ALLOCATE_PAGE",
                "SPLIT_PAGE",
                "SPLIT_COMPLETE",
                "MOVE_PAGE_CONTENTS",
                "SQUEEZE_PAGE",
                "DELETE",
                "SPLIT_CLEANUP",
                "UPDATE_META_PAGE",
                "VACUUM_ONE_PAGE");
    }

    private void addOtherIndexes() {
        addInOrder(
                Rmgr.GIN,
                "",
                "CREATE_PTREE",
                "INSERT",
                "SPLIT",
                "VACUUM_PAGE",
                "DELETE_PAGE",
                "UPDATE_META_PAGE",
                "INSERT_LISTPAGE",
                "DELETE_LISTPAGE",
                "VACUUM_DATA_LEAF_PAGE");
        addInOrder(Rmgr.GIST, "PAGE_UPDATE", "DELETE", "PAGE_REUSE", "PAGE_SPLIT", "", "", "PAGE_DELETE", "ASSIGN_LSN");
        addInOrder(
                Rmgr.SPGIST,
                "",
                "ADD_LEAF",
                "MOVE_LEAFS",
                "ADD_NODE",
                "SPLIT_TUPLE",
                "PICKSPLIT",
                "VACUUM_LEAF",
                "VACUUM_ROOT",
                "VACUUM_REDIRECT");
        addInOrder(Rmgr.BRIN, "CREATE_INDEX", "INSERT", "UPDATE", "SAMEPAGE_UPDATE", "REVMAP_EXTEND", "DESUMMARIZE");
        add(Rmgr.BRIN, 0x10 | INIT, "INSERT+INIT");
        add(Rmgr.BRIN, 0x20 | INIT, "UPDATE+INIT");
    }
}
