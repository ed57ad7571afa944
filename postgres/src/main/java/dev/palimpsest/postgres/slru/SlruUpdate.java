package dev.palimpsest.postgres.slru;

import dev.palimpsest.postgres.TimestampTz;
import java.util.Arrays;

/**
 * A change to one page. Making it twice is the same as making it once, and every change to the page that comes later in the
 * WAL must come later here. A page that nobody has begun is one of zeros. The arrays are not to be changed.
 */
public sealed interface SlruUpdate extends SlruChange {
    /** Which page. */
    SlruPage page();

    @Override
    default SlruKind kind() {
        return page().kind();
    }

    /** Whether what comes out does not depend on what was there: the page's history may be cut here. */
    default boolean replacesPage() {
        return false;
    }

    /**
     * Makes the change.
     *
     * @param bytes the page, 8192 bytes
     */
    void apply(byte[] bytes);

    /** The page begins, all zeros. */
    record Zero(SlruPage page) implements SlruUpdate {
        @Override
        public boolean replacesPage() {
            return true;
        }

        @Override
        public void apply(byte[] bytes) {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** Transactions, all on this page, ended. */
    record Status(SlruPage page, int[] xids, TransactionStatus status) implements SlruUpdate {
        @Override
        public void apply(byte[] bytes) {
            for (int xid : xids) {
                ClogPage.setStatus(bytes, xid, status);
            }
        }
    }

    /** Transactions, all on this page, committed at this time. */
    record CommitTime(SlruPage page, int[] xids, TimestampTz time, int origin) implements SlruUpdate {
        @Override
        public void apply(byte[] bytes) {
            for (int xid : xids) {
                CommitTsPage.set(bytes, xid, time, origin);
            }
        }
    }

    /** The members of a multixact, and of those after it, all on this page, begin at these offsets. */
    record Offsets(SlruPage page, int firstMulti, int[] offsets) implements SlruUpdate {
        @Override
        public void apply(byte[] bytes) {
            for (int i = 0; i < offsets.length; i++) {
                MultiXactOffsetsPage.setOffset(bytes, firstMulti + i, offsets[i]);
            }
        }
    }

    /** Members, all on this page, from this offset on; each with the transaction and the number of its status. */
    record Members(SlruPage page, int firstOffset, int[] xids, byte[] statuses) implements SlruUpdate {
        @Override
        public void apply(byte[] bytes) {
            for (int i = 0; i < xids.length; i++) {
                MultiXactMembersPage.set(bytes, firstOffset + i, xids[i], statuses[i]);
            }
        }
    }
}
