package dev.palimpsest.postgres.datadir;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalSegment;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The segment of WAL in which Neon's compute goes on writing at an LSN: it holds no record, only the headers of two pages.
 *
 * <pre>
 * offset size
 *      0   40  the long header of the segment's first page, see {@link WalPageHeader}
 *      P   24  the header of the page with the LSN, where that is not the first
 *              zeros everywhere else
 * </pre>
 *
 * <p>Unless the LSN is where its page begins, that page says that a record from before goes on in it and ends at the LSN.
 *
 * @param segment which segment it is
 * @param headers by where they begin in the segment, which has zeros everywhere else
 */
public record ContinuedWal(WalSegment segment, SortedMap<Integer, byte[]> headers) {
    private static final int ALIGNMENT = 8;

    /** Makes the segment that contains {@code lsn}. */
    public static ContinuedWal at(Lsn lsn, PostgresVersion version, long systemId, int timeline, int segmentSize) {
        WalSegment segment = WalSegment.containing(lsn, timeline, segmentSize);
        int inSegment = (int) (lsn.value() - segment.start().value());
        int inPage = inSegment % WalPageHeader.PAGE_SIZE;
        int page = inSegment - inPage;
        TreeMap<Integer, byte[]> headers = new TreeMap<>();
        headers.put(0, header(version, segment, systemId, 0, page == 0 ? inPage : 0));
        if (page > 0) {
            headers.put(page, header(version, segment, 0, page, inPage));
        }
        return new ContinuedWal(segment, headers);
    }

    /** @param inPage where in the page writing goes on; 0 if that is not in this page, or at its start */
    private static byte[] header(PostgresVersion version, WalSegment segment, long systemId, int page, int inPage) {
        boolean isLong = page == 0;
        int size = isLong ? WalPageHeader.LONG_SIZE : WalPageHeader.SHORT_SIZE;
        int info = (isLong ? WalPageHeader.LONG_HEADER : 0) | (inPage > 0 ? WalPageHeader.FIRST_IS_CONTRECORD : 0);
        byte[] header = new byte[size];
        new WalPageHeader(
                        version.walMagic(),
                        info,
                        segment.timeline(),
                        segment.start().value() + page,
                        Math.max(0, inPage - size),
                        systemId,
                        segment.size(),
                        WalPageHeader.PAGE_SIZE)
                .encode(header, 0);
        return header;
    }

    /** Where the first record at or after an LSN can begin: a multiple of 8, and not within the header of a page. */
    public static Lsn recordStart(Lsn lsn, int segmentSize) {
        long aligned = lsn.value() + ALIGNMENT - 1 & -ALIGNMENT;
        if (aligned % WalPageHeader.PAGE_SIZE != 0) {
            return new Lsn(aligned);
        }
        return new Lsn(aligned + (aligned % segmentSize == 0 ? WalPageHeader.LONG_SIZE : WalPageHeader.SHORT_SIZE));
    }

    /** The bytes of the segment up to the end of the last header; all others are 0. */
    public byte[] beginning() {
        byte[] last = headers.get(headers.lastKey());
        byte[] bytes = new byte[headers.lastKey() + (last == null ? 0 : last.length)];
        headers.forEach((at, header) -> System.arraycopy(header, 0, bytes, at, header.length));
        return bytes;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ContinuedWal wal
                && segment.equals(wal.segment)
                && Arrays.equals(beginning(), wal.beginning());
    }

    @Override
    public int hashCode() {
        return segment.hashCode();
    }
}
