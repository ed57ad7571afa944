package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** Writes a stream of WAL for tests: page headers, alignment, previous links and checksums. */
public final class WalBuilder {
    public static final long SYSTEM_ID = 0x6A1B2C3D4E5F6071L;

    private final PostgresVersion version;
    private final int segmentSize;
    private final int timeline;
    private final long start;
    private byte[] bytes = new byte[1 << 16];
    private int length;
    private long previous;
    private int nextPageFlags;

    /** @param start the start of a page */
    public WalBuilder(PostgresVersion version, int segmentSize, int timeline, long start) {
        this.version = version;
        this.segmentSize = segmentSize;
        this.timeline = timeline;
        this.start = start;
        this.previous = start - 8;
    }

    public long position() {
        return start + length;
    }

    public long previous() {
        return previous;
    }

    /** Sets the link of the next record. */
    public WalBuilder previous(long lsn) {
        previous = lsn;
        return this;
    }

    /** Appends a record as {@link RecordBuilder#build} gives it and returns where it begins. */
    public long append(RecordBuilder record) {
        return append(record.build());
    }

    public long append(byte[] record) {
        byte[] sealed = seal(record);
        beginRecord();
        long at = position();
        write(sealed, sealed.length);
        previous = at;
        pad();
        if (record[17] == 0 && (record[16] & 0xF0) == 0x40) {
            long end = position() + segmentSize - 1 & -(long) segmentSize;
            ensure((int) (end - start));
            length = (int) (end - start);
        }
        return at;
    }

    /** Appends the beginning of a record, to the end of the page, and says on the next page that it was given up. */
    public long appendAbandoned(RecordBuilder record) {
        byte[] sealed = seal(record.build());
        beginRecord();
        long at = position();
        int room = 8192 - (int) (at & 8191);
        if (sealed.length <= room) {
            throw new IllegalArgumentException("the record fits the page");
        }
        write(sealed, room);
        nextPageFlags = WalPageHeader.FIRST_IS_OVERWRITE_CONTRECORD;
        return at;
    }

    private byte[] seal(byte[] record) {
        byte[] sealed = record.clone();
        LittleEndian.putI64(sealed, 8, previous);
        CRC32C crc = new CRC32C();
        crc.update(sealed, 24, sealed.length - 24);
        crc.update(sealed, 0, 20);
        LittleEndian.putI32(sealed, 20, (int) crc.getValue());
        return sealed;
    }

    private void beginRecord() {
        if ((position() & 8191) == 0) {
            pageHeader(0);
        }
    }

    private void pageHeader(int remaining) {
        boolean isLong = (position() & segmentSize - 1) == 0;
        int flags = (isLong ? WalPageHeader.LONG_HEADER : 0)
                | (remaining > 0 ? WalPageHeader.FIRST_IS_CONTRECORD : 0)
                | nextPageFlags;
        nextPageFlags = 0;
        WalPageHeader header = new WalPageHeader(
                version.walMagic(),
                flags,
                timeline,
                position(),
                remaining,
                isLong ? SYSTEM_ID : 0,
                isLong ? segmentSize : 0,
                isLong ? 8192 : 0);
        ensure(length + 40);
        header.encode(bytes, length);
        length += header.size();
    }

    private void write(byte[] record, int upTo) {
        int written = 0;
        while (written < upTo) {
            if ((position() & 8191) == 0) {
                pageHeader(record.length - written);
            }
            int part = Math.min(upTo - written, 8192 - (int) (position() & 8191));
            ensure(length + part);
            System.arraycopy(record, written, bytes, length, part);
            length += part;
            written += part;
        }
    }

    private void pad() {
        int padded = length + 7 & ~7;
        ensure(padded);
        length = padded;
    }

    private void ensure(int size) {
        if (size > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(size, 2 * bytes.length));
        }
    }

    /** The stream so far; it ends with the padding of the last record. */
    public byte[] bytes() {
        return Arrays.copyOf(bytes, length);
    }
}
