package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import org.jspecify.annotations.Nullable;

/**
 * The header of a page of WAL. All integers little-endian.
 *
 * <pre>
 * offset size
 *      0    2  xlp_magic: the major version
 *      2    2  xlp_info: 1 first is continuation, 2 long header, 4 removable, 8 first is overwritten continuation
 *      4    4  xlp_tli: the timeline of the page
 *      8    8  xlp_pageaddr: the LSN of the page's first byte
 *     16    4  xlp_rem_len: what is left, from this page on, of a record that began before; 0 if none
 *     20    4  zeros; the end of a short header
 *     24    8  xlp_sysid: the system identifier
 *     32    4  xlp_seg_size: bytes in a segment
 *     36    4  xlp_xlog_blcksz: 8192; the end of a long header, which the first page of each segment has
 * </pre>
 *
 * @param magic the first two bytes
 * @param info the flags
 * @param timeline the timeline
 * @param pageLsn where the page begins
 * @param remaining bytes of the record begun before
 * @param systemId the system identifier; 0 in a short header
 * @param segmentSize bytes in a segment; 0 in a short header
 * @param pageSize bytes in a page; 0 in a short header
 */
public record WalPageHeader(
        int magic, int info, int timeline, long pageLsn, int remaining, long systemId, int segmentSize, int pageSize) {
    /** Bytes in a page of WAL, {@code XLOG_BLCKSZ}. */
    public static final int PAGE_SIZE = 8192;

    /** Bytes of a short header. */
    public static final int SHORT_SIZE = 24;

    /** Bytes of a long header. */
    public static final int LONG_SIZE = 40;

    /** In info: the page begins in the middle of a record. */
    public static final int FIRST_IS_CONTRECORD = 0x0001;

    /** In info: the header is a long one. */
    public static final int LONG_HEADER = 0x0002;

    /** In info: images on it may be left out by an archiver. */
    public static final int REMOVABLE = 0x0004;

    /** In info: the record begun before was given up, and something else begins here. */
    public static final int FIRST_IS_OVERWRITE_CONTRECORD = 0x0008;

    static final int ALL_FLAGS = 0x000F;

    /**
     * Reads a header without judging it.
     *
     * @param bytes hold {@link #SHORT_SIZE} bytes from {@code offset}, or {@link #LONG_SIZE} if the flag says so;
     *     without enough for a long one, its fields are read as 0
     */
    public static WalPageHeader decode(byte[] bytes, int offset) {
        int info = LittleEndian.u16(bytes, offset + 2);
        boolean isLong = (info & LONG_HEADER) != 0 && bytes.length - offset >= LONG_SIZE;
        return new WalPageHeader(
                LittleEndian.u16(bytes, offset),
                info,
                LittleEndian.i32(bytes, offset + 4),
                LittleEndian.i64(bytes, offset + 8),
                LittleEndian.i32(bytes, offset + 16),
                isLong ? LittleEndian.i64(bytes, offset + 24) : 0,
                isLong ? LittleEndian.i32(bytes, offset + 32) : 0,
                isLong ? LittleEndian.i32(bytes, offset + 36) : 0);
    }

    /** Writes the header, {@link #size} bytes. */
    public void encode(byte[] bytes, int offset) {
        LittleEndian.putU16(bytes, offset, magic);
        LittleEndian.putU16(bytes, offset + 2, info);
        LittleEndian.putI32(bytes, offset + 4, timeline);
        LittleEndian.putI64(bytes, offset + 8, pageLsn);
        LittleEndian.putI32(bytes, offset + 16, remaining);
        LittleEndian.putI32(bytes, offset + 20, 0);
        if (isLong()) {
            LittleEndian.putI64(bytes, offset + 24, systemId);
            LittleEndian.putI32(bytes, offset + 32, segmentSize);
            LittleEndian.putI32(bytes, offset + 36, pageSize);
        }
    }

    /** The version with this magic number, null if there is none that is known here. */
    public @Nullable PostgresVersion version() {
        return PostgresVersion.ofWalMagic(magic);
    }

    /** Whether it says to be a long one. */
    public boolean isLong() {
        return has(LONG_HEADER);
    }

    /** Whether all these flags are set. */
    public boolean has(int flags) {
        return (info & flags) == flags;
    }

    /** Its bytes: {@link #SHORT_SIZE} or {@link #LONG_SIZE}. */
    public int size() {
        return isLong() ? LONG_SIZE : SHORT_SIZE;
    }
}
