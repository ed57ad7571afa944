package dev.palimpsest.postgres.datadir;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalSegment;
import java.util.zip.CRC32C;

/**
 * The WAL of a cluster that looks as if it had been shut down cleanly: one segment with one record, a shutdown checkpoint,
 * at its very start. A server that finds it, and a control file that points to it, starts without replaying anything, takes
 * its counters from the record and goes on writing behind it.
 *
 * <pre>
 * offset size
 *      0   40  the long header of the segment's first page, see {@link WalPageHeader}
 *     40    4  114, the length of the record
 *     44    4  0: no transaction
 *     48    8  0: no record before
 *     56    1  0: a shutdown checkpoint
 *     57    1  0: resource manager XLOG
 *     58    2  0
 *     60    4  CRC-32C of bytes 64 to 153, then 40 to 59
 *     64    2  255, 88: 88 bytes of main data
 *     66   88  {@link CheckPoint}
 *    154       zeros to the end of the segment
 * </pre>
 *
 * @param segment which segment it is
 * @param checkPoint the checkpoint, which begins recovery at itself
 * @param firstPage the first 8192 bytes of the segment; all others are 0
 */
public record ShutdownWal(WalSegment segment, CheckPoint checkPoint, byte[] firstPage) {
    private static final int RECORD_HEADER = 24;
    private static final int MAIN_DATA_HEADER = 2;
    private static final int SHORT_MAIN_DATA = 0xFF;
    private static final int RECORD_SIZE = RECORD_HEADER + MAIN_DATA_HEADER + CheckPoint.SIZE;
    private static final int PADDED_SIZE = 120;
    private static final int CRC_OFFSET = 20;

    /**
     * The segment on its first possible place for a cluster whose pages carry LSNs up to {@code lsn}: the first segment that
     * begins there or after.
     */
    public static WalSegment segmentFrom(Lsn lsn, int timeline, int segmentSize) {
        WalSegment containing = WalSegment.containing(lsn, timeline, segmentSize);
        return containing.start().equals(lsn)
                ? containing
                : new WalSegment(timeline, containing.number() + 1, segmentSize);
    }

    /** Where the record begins in a segment. */
    public static Lsn lsnIn(WalSegment segment) {
        return segment.start().plus(WalPageHeader.LONG_SIZE);
    }

    /**
     * Makes the segment.
     *
     * @param systemId the cluster's system identifier
     * @param checkPoint whose {@code redo} must be {@link #lsnIn} the segment and whose timeline the segment's
     */
    public static ShutdownWal of(PostgresVersion version, long systemId, WalSegment segment, CheckPoint checkPoint) {
        if (!checkPoint.redo().equals(lsnIn(segment)) || checkPoint.timeline() != segment.timeline()) {
            throw new IllegalArgumentException("no shutdown checkpoint for " + lsnIn(segment) + " on timeline "
                    + Integer.toUnsignedString(segment.timeline()) + ": " + checkPoint);
        }
        byte[] page = new byte[WalPageHeader.PAGE_SIZE];
        new WalPageHeader(
                        version.walMagic(),
                        WalPageHeader.LONG_HEADER,
                        segment.timeline(),
                        segment.start().value(),
                        0,
                        systemId,
                        segment.size(),
                        WalPageHeader.PAGE_SIZE)
                .encode(page, 0);
        int at = WalPageHeader.LONG_SIZE;
        LittleEndian.putI32(page, at, RECORD_SIZE);
        page[at + RECORD_HEADER] = (byte) SHORT_MAIN_DATA;
        page[at + RECORD_HEADER + 1] = CheckPoint.SIZE;
        checkPoint.encode(page, at + RECORD_HEADER + MAIN_DATA_HEADER);
        CRC32C crc = new CRC32C();
        crc.update(page, at + RECORD_HEADER, RECORD_SIZE - RECORD_HEADER);
        crc.update(page, at, CRC_OFFSET);
        LittleEndian.putI32(page, at + CRC_OFFSET, (int) crc.getValue());
        return new ShutdownWal(segment, checkPoint, page);
    }

    /** Where the record begins, and recovery too. */
    public Lsn lsn() {
        return lsnIn(segment);
    }

    /** Where the record ends (exclusive), and the server goes on writing. */
    public Lsn end() {
        return lsn().plus(PADDED_SIZE);
    }
}
