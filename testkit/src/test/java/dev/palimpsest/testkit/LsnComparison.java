package dev.palimpsest.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.redo.ConsistencyReplay;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares the LSNs of pages, which the masks hide, before each record of one resource manager: the server puts the image
 * into the record before it gives the page the record's LSN.
 */
final class LsnComparison {
    private static final int SHOWN = 20;

    /**
     * What the server writes in place of an LSN into the root of a GiST index that it builds by sorting, up to 16; an
     * LSN of 0 has a page that it has emptied in the same step. Redo is told of neither.
     */
    private static final long BUILD_LSN = 1;

    private final Rmgr manager;
    private final ConsistencyReplay replay;
    private final List<String> wrong = new ArrayList<>();
    private int compared;

    LsnComparison(Rmgr manager, ConsistencyReplay replay) {
        this.manager = manager;
        this.replay = replay;
    }

    /** Looks at the pages of a record that will be replayed next. */
    void before(WalRecord record) {
        for (int id = 0; record.resourceManagerId() == manager.id() && id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id) && record.hasImage(id) && !record.willInit(id)) {
                assertThat(record.imageCompression(id)).isEqualTo(ImageCompression.NONE);
                compare(record, id);
            }
        }
    }

    private void compare(WalRecord record, int id) {
        Page page = replay.page(record.blockTag(id));
        long halves = LittleEndian.i64(record.bytes(), record.imageOffset(id));
        long lsn = halves << 32 | halves >>> 32;
        if (page != null && !page.isNew() && lsn > BUILD_LSN) {
            compared++;
            if (page.lsn() != lsn && wrong.size() < SHOWN) {
                wrong.add(RecordTypes.nameOf(record) + " at " + new Lsn(record.startLsn()) + " finds block " + id
                        + " at " + new Lsn(lsn) + ", but it is at " + new Lsn(page.lsn()));
            }
        }
    }

    void assertSame() {
        assertThat(wrong).isEmpty();
        assertThat(compared).isPositive();
    }
}
