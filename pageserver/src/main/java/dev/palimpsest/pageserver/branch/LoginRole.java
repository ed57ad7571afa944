package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.postgres.page.HeapTuple;
import dev.palimpsest.postgres.page.LinePointer;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.slru.ClogPage;
import dev.palimpsest.postgres.slru.TransactionStatus;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Finds out as whom one may replicate from a cluster, out of its {@code pg_authid} as of an LSN: what a session that began
 * then would see. A row begins, in every version from 14 to 18, with the OID in 4 bytes, the name in 64, and a byte each for
 * superuser, inherit, create roles, create databases, login, replication.
 */
final class LoginRole {
    private static final int PG_AUTHID = 1260;
    private static final int GLOBAL = 1664;
    private static final int BOOTSTRAP_SUPERUSER = 10;
    private static final int NAME = 4;
    private static final int NAME_SIZE = 64;
    private static final int SUPERUSER = 68;
    private static final int LOGIN = 72;
    private static final int REPLICATION = 73;
    private static final int LEAST_ROW = 75;
    private static final int PAGE = 8192;

    private final ClusterReader reader;
    private @Nullable String best;
    /** Of a row whose multixact replaced it, if its updater committed: only the members of the multixact tell that. */
    private @Nullable String doubtful;

    private int rank;

    private LoginRole(ClusterReader reader) {
        this.reader = reader;
    }

    /**
     * The name of a role that may log in and replicate: the first superuser that {@code initdb} made, else another superuser, else
     * one with REPLICATION. Null if there is none.
     */
    static @Nullable String of(ClusterReader reader) throws StorageException {
        LoginRole search = new LoginRole(reader);
        try {
            OptionalInt file = RelationMap.parse(reader.version(), reader.relationMap(new DatabaseId(GLOBAL, 0)))
                    .fileOf(PG_AUTHID);
            if (file.isPresent()) {
                search.look(new RelTag(GLOBAL, 0, file.getAsInt(), RelTag.MAIN));
            }
        } catch (MalformedFileException e) {
            throw new CorruptionException(
                    "the relation map of global at " + reader.lsn(), 0, String.valueOf(e.getMessage()), e);
        }
        return search.best != null ? search.best : search.doubtful;
    }

    private void look(RelTag authid) throws StorageException {
        int blocks = reader.relationLength(authid).orElse(0);
        byte[] bytes = new byte[PAGE];
        for (int block = 0; block < blocks; block++) {
            reader.blocks(authid, block, 1, bytes, 0);
            try {
                look(Page.wrap(bytes));
            } catch (PageException e) {
                throw new CorruptionException(
                        "pg_authid, relation " + authid + " block " + block + " at " + reader.lsn(),
                        0,
                        String.valueOf(e.getMessage()),
                        e);
            }
        }
    }

    private void look(Page page) throws PageException, StorageException {
        if (page.isNew()) {
            return;
        }
        for (int number = 1; number <= page.maxOffset(); number++) {
            if (LinePointer.state(page.linePointer(number)) != LinePointer.NORMAL) {
                continue;
            }
            int tuple = page.item(number, HeapTuple.HEADER_SIZE);
            int row = tuple + HeapTuple.hoff(page, tuple);
            page.check(row, LEAST_ROW);
            int rowRank = rank(page, row);
            if (rowRank > rank && isInserted(page, tuple)) {
                int mask = HeapTuple.infomask(page, tuple);
                if (isKept(page, tuple, mask)) {
                    rank = rowRank;
                    best = name(page, row);
                } else if ((mask & HeapTuple.XMAX_IS_MULTI) != 0) {
                    doubtful = name(page, row);
                }
            }
        }
    }

    private static int rank(Page page, int row) throws PageException {
        if (page.u8(row + LOGIN) == 0) {
            return 0;
        }
        if (page.u8(row + SUPERUSER) != 0) {
            return page.i32(row) == BOOTSTRAP_SUPERUSER ? 3 : 2;
        }
        return page.u8(row + REPLICATION) != 0 ? 1 : 0;
    }

    private static String name(Page page, int row) throws PageException {
        int length = 0;
        while (length < NAME_SIZE && page.u8(row + NAME + length) != 0) {
            length++;
        }
        return new String(page.bytes(), row + NAME, length, StandardCharsets.UTF_8);
    }

    private boolean isInserted(Page page, int tuple) throws PageException, StorageException {
        int mask = HeapTuple.infomask(page, tuple);
        return (mask & HeapTuple.XMIN_COMMITTED) != 0
                || ((mask & HeapTuple.XMIN_INVALID) == 0 && hasCommitted(HeapTuple.xmin(page, tuple)));
    }

    /** Whether it is certain that nobody who deleted or replaced it has committed. */
    private boolean isKept(Page page, int tuple, int mask) throws PageException, StorageException {
        if ((mask & HeapTuple.XMAX_INVALID) != 0 || HeapTuple.isLockedOnly(mask)) {
            return true;
        }
        return (mask & (HeapTuple.XMAX_IS_MULTI | HeapTuple.XMAX_COMMITTED)) == 0
                && !hasCommitted(HeapTuple.xmax(page, tuple));
    }

    private boolean hasCommitted(int xid) throws StorageException {
        dev.palimpsest.postgres.slru.SlruKind clog = dev.palimpsest.postgres.slru.SlruKind.CLOG;
        int page = clog.pageOf(xid);
        int segment = dev.palimpsest.postgres.slru.SlruKind.segmentOf(page);
        int index = page % dev.palimpsest.postgres.slru.SlruKind.PAGES_PER_SEGMENT;
        if (!reader.slruDirectory(SlruKind.XACT).contains(segment)
                || index >= reader.slruLength(SlruKind.XACT, segment)) {
            return false;
        }
        byte[] pages = reader.slruSegment(SlruKind.XACT, segment, index + 1);
        byte[] status = Arrays.copyOfRange(pages, index * PAGE, (index + 1) * PAGE);
        return ClogPage.status(status, xid) == TransactionStatus.COMMITTED;
    }
}
