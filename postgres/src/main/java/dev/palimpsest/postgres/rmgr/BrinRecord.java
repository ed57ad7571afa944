package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.WalRecord;

/**
 * The records of resource manager BRIN. Main data and data of the blocks by type, little-endian; {@code !} marks a block
 * that is made anew. The type is what bits 4 to 6 of the info say; bit 7 ({@link #INIT_PAGE}) says that block 0 of an
 * INSERT or UPDATE is made anew.
 *
 * <pre>
 * 00 CREATE_INDEX    u32 pages to a range; u16 version; block 0! the meta page
 * 10 INSERT          u32 heap block; u32 pages to a range; u16 item; block 0 or 0! the page: tuple; 1 the page of the range map
 * 20 UPDATE          u16 old item; 2 bytes anything; as INSERT; block 0 or 0! the new page: tuple; 1 the page of the range
 *                    map; 2 the old page
 * 30 SAMEPAGE_UPDATE u16 item; block 0 the page: tuple
 * 40 REVMAP_EXTEND   u32 block; block 0 the meta page; 1! the new page of the range map
 * 50 DESUMMARIZE     u32 pages to a range; u32 heap block; u16 item; block 0 the page of the range map; 1 the page
 * </pre>
 */
public sealed interface BrinRecord {
    /** Type: an index is made. */
    int CREATE_INDEX = 0x00;

    /** Type: a range is summarized for the first time. */
    int INSERT = 0x10;

    /** Type: the summary of a range changes and moves to another page. */
    int UPDATE = 0x20;

    /** Type: the summary of a range changes where it is. */
    int SAMEPAGE_UPDATE = 0x30;

    /** Type: the range map gets a page. */
    int REVMAP_EXTEND = 0x40;

    /** Type: the summary of a range goes away. */
    int DESUMMARIZE = 0x50;

    /** In the info: block 0 is made anew. */
    int INIT_PAGE = 0x80;

    /** What {@code pg_waldump} would say about it. */
    @Override
    String toString();

    /** An index was made. */
    record CreateIndex(int pagesPerRange, int version) implements BrinRecord {
        @Override
        public String toString() {
            return "v" + version + " pagesPerRange " + Integer.toUnsignedString(pagesPerRange);
        }
    }

    /**
     * A range got a summary.
     *
     * @param heapBlock the first block of the range
     * @param pagesPerRange how many blocks a range of the index has
     * @param item the number of the summary in its page
     */
    record Insert(int heapBlock, int pagesPerRange, int item) implements BrinRecord {
        @Override
        public String toString() {
            return range(heapBlock, pagesPerRange) + " offnum " + item;
        }
    }

    /** The summary of a range moved from item {@code oldItem} of a page to item {@code item} of another. */
    record Update(int heapBlock, int pagesPerRange, int oldItem, int item) implements BrinRecord {
        @Override
        public String toString() {
            return range(heapBlock, pagesPerRange) + " old offnum " + oldItem + ", new offnum " + item;
        }
    }

    /** A summary was replaced. */
    record SamePageUpdate(int item) implements BrinRecord {
        @Override
        public String toString() {
            return "offnum " + item;
        }
    }

    /** Block {@code block} belongs to the range map now. */
    record ExtendRangeMap(int block) implements BrinRecord {
        @Override
        public String toString() {
            return "targetBlk " + Integer.toUnsignedString(block);
        }
    }

    /** A range, with the names of {@link Insert}, lost its summary. */
    record Desummarize(int pagesPerRange, int heapBlock, int item) implements BrinRecord {
        @Override
        public String toString() {
            return "pagesPerRange " + Integer.toUnsignedString(pagesPerRange) + ", heapBlk "
                    + Integer.toUnsignedString(heapBlock) + ", page offset " + item;
        }
    }

    /**
     * Reads the main data of a record of resource manager BRIN.
     *
     * @throws MalformedRecordException if it is too short, or there is no such type
     */
    static BrinRecord decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        return switch (record.opcode()) {
            case CREATE_INDEX -> new CreateIndex(data.i32(0), data.u16(4));
            case INSERT, INSERT | INIT_PAGE -> new Insert(data.i32(0), data.i32(4), data.u16(8));
            case UPDATE, UPDATE | INIT_PAGE -> new Update(data.i32(4), data.i32(8), data.u16(0), data.u16(12));
            case SAMEPAGE_UPDATE -> new SamePageUpdate(data.u16(0));
            case REVMAP_EXTEND -> new ExtendRangeMap(data.i32(0));
            case DESUMMARIZE -> new Desummarize(data.i32(0), data.i32(4), data.u16(8));
            default -> throw data.malformed("there is no record type " + RecordTypes.nameOf(record));
        };
    }

    private static String range(int heapBlock, int pagesPerRange) {
        return "heapBlk " + Integer.toUnsignedString(heapBlock) + " pagesPerRange "
                + Integer.toUnsignedString(pagesPerRange);
    }
}
