package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Decodes a stream of WAL, in pieces of any size: takes out the page headers, puts together what was cut, checks each
 * record's checksum and that it follows the one before it.
 *
 * <p>Give it bytes with {@link #feed}, then call {@link #next} until it says false; then either {@link #stopped} says why
 * there is nothing more, or it needs the bytes that follow. Bytes may be given from any page's first byte, where it
 * passes over the end of a record that began earlier, or from the start of a record.
 *
 * <p>Records that lie within one page and one piece are decoded where they are, the others are put together in a buffer
 * that grows with what has arrived. Allocates nothing per record. Not thread-safe.
 */
public final class WalStreamDecoder {
    /** The greatest record of any version. */
    static final int MAX_RECORD = 1 << 30;

    private static final int PAGE = WalPageHeader.PAGE_SIZE;
    private static final int LENGTH_FIELD = 4;
    private static final int FIRST_BUFFER = 1 << 16;
    private static final int KEPT_BUFFER = 1 << 20;
    private static final byte[] NOTHING = new byte[0];
    private static final long NONE = -1;

    private final PostgresVersion version;
    private final int segmentSize;
    private final int lastTimeline;
    private final RecordDecoder decoder = new RecordDecoder();
    private final WalRecord record = new WalRecord();
    private final byte[] header = new byte[WalPageHeader.LONG_SIZE];

    private byte[] chunk = NOTHING;
    private int chunkAt;
    private int chunkEnd;
    private long position;
    private @Nullable StopReason stop;

    private int headerLength;
    private int timeline;
    private long systemId;
    private boolean searching = true;
    private int ignored;
    private long skipTo;

    private byte[] assembly = new byte[FIRST_BUFFER];
    private int assembled;
    private int total;
    private long assemblyStart;

    private long lastStart = NONE;
    private long lastEnd;
    private long abandoned = NONE;

    /**
     * @param version whose pages these are, see {@link WalPageHeader#version}
     * @param segmentSize bytes in a segment: a power of two, 1 MiB to 1 GiB
     * @param lastTimeline pages of a later timeline (unsigned) than this end the stream; -1 for no limit
     * @param start where the stream begins: the start of a page or of a record
     */
    public WalStreamDecoder(PostgresVersion version, int segmentSize, int lastTimeline, Lsn start) {
        if (!WalSegment.isValidSize(segmentSize) || !start.isAligned()) {
            throw new IllegalArgumentException(
                    "WAL cannot be read from " + start + " in segments of " + segmentSize + " bytes");
        }
        this.version = version;
        this.segmentSize = segmentSize;
        this.lastTimeline = lastTimeline;
        this.position = start.value();
        this.lastEnd = start.value();
        this.searching = (position & PAGE - 1) == 0;
    }

    /**
     * Gives the bytes that follow in the stream, from {@link #feedPosition} on. They must not change until
     * {@link #next} has returned false.
     *
     * @throws IllegalStateException if what was given before is not used up
     */
    public void feed(byte[] bytes, int offset, int length) {
        if (chunkAt != chunkEnd && stop == null) {
            throw new IllegalStateException((chunkEnd - chunkAt) + " bytes given before are not decoded yet");
        }
        if ((offset | length) < 0 || offset > bytes.length - length) {
            throw new IllegalArgumentException(length + " bytes from " + offset + " of " + bytes.length);
        }
        chunk = bytes;
        chunkAt = offset;
        chunkEnd = offset + length;
    }

    /** Where in the WAL the bytes of the next {@link #feed} must begin, once the ones before are used up. */
    public Lsn feedPosition() {
        return new Lsn(position + (chunkEnd - chunkAt));
    }

    /** The record that {@link #next} decoded; the same object each time. */
    public WalRecord record() {
        return record;
    }

    /** Why there is nothing more to decode, or null as long as there may be. */
    public @Nullable StopReason stopped() {
        return stop;
    }

    /** Where the last record ended; before the first one, where the stream began. */
    public Lsn endOfLastRecord() {
        return new Lsn(lastEnd);
    }

    /** The timeline of the last page that was read, 0 before the first one. */
    public int timeline() {
        return timeline;
    }

    /** Says that nothing follows, and returns why there are no more records: for that reason, or an earlier one. */
    public StopReason finish() {
        StopReason reason = stop;
        if (reason == null) {
            reason = assembled > 0
                    ? new StopReason.EndOfInput(new Lsn(assemblyStart), assembled)
                    : new StopReason.EndOfInput(new Lsn(position), 0);
            stop = reason;
        }
        return reason;
    }

    /**
     * Decodes the next record into {@link #record}.
     *
     * @return false if more bytes are needed, or if the stream has {@link #stopped}
     */
    public boolean next() {
        while (stop == null) {
            if (Long.compareUnsigned(position, skipTo) < 0) {
                advance((int) Math.min(skipTo - position, chunkEnd - chunkAt));
                if (Long.compareUnsigned(position, skipTo) < 0) {
                    return false;
                }
            } else if ((position & PAGE - 1) == 0 || headerLength > 0) {
                if (!readPageHeader()) {
                    return false;
                }
            } else if (ignored > 0) {
                int passed = Math.min(ignored, chunkEnd - chunkAt);
                advance(passed);
                ignored -= passed;
                if (ignored > 0) {
                    return false;
                }
            } else {
                int available = Math.min(chunkEnd - chunkAt, PAGE - (int) (position & PAGE - 1));
                if (available == 0) {
                    return false;
                }
                if (readRecord(available)) {
                    return true;
                }
            }
        }
        return false;
    }

    private void advance(int bytes) {
        chunkAt += bytes;
        position += bytes;
    }

    /** Reads what it can of a record from {@code available} bytes of this page; true if that completed it. */
    private boolean readRecord(int available) {
        if (assembled == 0) {
            searching = false;
            if (available >= WalRecord.HEADER_SIZE) {
                int length = LittleEndian.i32(chunk, chunkAt);
                if (length >= WalRecord.HEADER_SIZE && length <= available) {
                    int at = chunkAt;
                    long start = position;
                    if (!checkHeader(chunk, at, start)) {
                        return false;
                    }
                    advance(length);
                    return complete(chunk, at, length, start);
                }
            }
            assemblyStart = position;
            total = 0;
            if (assembly.length > KEPT_BUFFER) {
                assembly = new byte[FIRST_BUFFER];
            }
        }
        int goal = total == 0 ? LENGTH_FIELD : assembled < WalRecord.HEADER_SIZE ? WalRecord.HEADER_SIZE : total;
        int taken = Math.min(goal - assembled, available);
        if (assembled + taken > assembly.length) {
            assembly =
                    Arrays.copyOf(assembly, (int) Math.min(total, Math.max(2L * assembly.length, assembled + taken)));
        }
        System.arraycopy(chunk, chunkAt, assembly, assembled, taken);
        assembled += taken;
        advance(taken);
        if (assembled == LENGTH_FIELD && total == 0) {
            total = LittleEndian.i32(assembly, 0);
            checkLength();
        } else if (assembled == goal && goal == WalRecord.HEADER_SIZE && !checkHeader(assembly, 0, assemblyStart)) {
            return false;
        }
        if (stop != null || total == 0 || assembled < total) {
            return false;
        }
        assembled = 0;
        return complete(assembly, 0, total, assemblyStart);
    }

    private void checkLength() {
        if (total == 0) {
            stop(new StopReason.ZeroRecord(new Lsn(assemblyStart)));
        } else if (total < WalRecord.HEADER_SIZE || total > MAX_RECORD) {
            stop(new StopReason.InvalidLength(new Lsn(assemblyStart), Integer.toUnsignedLong(total)));
        }
    }

    /** Checks what can be known before the whole record is there; {@code bytes} hold its first 24. */
    private boolean checkHeader(byte[] bytes, int at, long start) {
        long previous = LittleEndian.i64(bytes, at + 8);
        if (lastStart == NONE ? Long.compareUnsigned(previous, start) >= 0 : previous != lastStart) {
            stop(new StopReason.PreviousLinkMismatch(
                    new Lsn(start), new Lsn(lastStart == NONE ? 0 : lastStart), new Lsn(previous)));
            return false;
        }
        int manager = bytes[at + 17] & 0xFF;
        if (!RecordDecoder.isResourceManager(version, manager)) {
            stop(new StopReason.Malformed(
                    new Lsn(start),
                    "the record at " + new Lsn(start) + " is of resource manager " + manager + ", which " + version
                            + " does not have"));
            return false;
        }
        return true;
    }

    /** All of the record is there, and {@code position} is behind it. */
    private boolean complete(byte[] bytes, int at, int length, long start) {
        int stored = LittleEndian.i32(bytes, at + 20);
        int computed = decoder.crc(bytes, at, length);
        if (stored != computed) {
            stop(new StopReason.BadChecksum(new Lsn(start), computed, stored));
            return false;
        }
        int padding = (int) -position & 7;
        long end = position + padding;
        if (padding <= chunkEnd - chunkAt) {
            advance(padding);
        } else {
            ignored = padding;
        }
        boolean isXlog = bytes[at + 17] == 0;
        int opcode = bytes[at + 16] & 0xF0;
        if (isXlog && opcode == 0x40) {
            ignored = 0;
            end = end + segmentSize - 1 & -(long) segmentSize;
            skipTo = end;
        }
        try {
            decoder.decode(version, bytes, at, length, start, end, record);
            if (abandoned != NONE) {
                checkOverwrite(isXlog && opcode == 0xD0);
            }
        } catch (MalformedRecordException e) {
            stop(new StopReason.Malformed(new Lsn(start), String.valueOf(e.getMessage())));
            return false;
        }
        lastStart = start;
        lastEnd = end;
        return true;
    }

    /** The first record after one that was given up must say which one that was. */
    private void checkOverwrite(boolean isOverwrite) throws MalformedRecordException {
        if (!isOverwrite || record.mainData().i64(0) != abandoned) {
            throw new MalformedRecordException(
                    record.startLsn(),
                    "it should say that the record at " + new Lsn(abandoned) + " was given up, and does not");
        }
        abandoned = NONE;
    }

    private void stop(StopReason reason) {
        stop = reason;
        chunkAt = chunkEnd;
    }

    /** Reads and checks a page header; false if it is not all there yet. */
    private boolean readPageHeader() {
        long pageStart = position - headerLength;
        int size = (pageStart & segmentSize - 1) == 0 ? WalPageHeader.LONG_SIZE : WalPageHeader.SHORT_SIZE;
        int taken = Math.min(size - headerLength, chunkEnd - chunkAt);
        System.arraycopy(chunk, chunkAt, header, headerLength, taken);
        headerLength += taken;
        advance(taken);
        if (headerLength < size) {
            return false;
        }
        headerLength = 0;
        if (!isNextOfTimeline(pageStart, size)) {
            WalPageHeader page = WalPageHeader.decode(header, 0);
            StopReason problem = problemOf(page, pageStart, size);
            if (problem != null) {
                stop(problem);
                return true;
            }
            timeline = page.timeline();
        }
        int info = LittleEndian.u16(header, 2);
        int remaining = LittleEndian.i32(header, 16);
        if (assembled > 0) {
            continueRecord(info, remaining, pageStart);
        } else if ((info & WalPageHeader.FIRST_IS_CONTRECORD) != 0) {
            passOver(remaining, pageStart, size);
        }
        return true;
    }

    /** Whether the header is a short one as nearly all are, about which there is no more to be said: makes no object. */
    private boolean isNextOfTimeline(long pageStart, int size) {
        return size == WalPageHeader.SHORT_SIZE
                && LittleEndian.u16(header, 0) == version.walMagic()
                && (LittleEndian.u16(header, 2) & ~(WalPageHeader.ALL_FLAGS & ~WalPageHeader.LONG_HEADER)) == 0
                && LittleEndian.i32(header, 4) == timeline
                && timeline != 0
                && LittleEndian.i64(header, 8) == pageStart;
    }

    private void continueRecord(int info, int remaining, long pageStart) {
        if ((info & WalPageHeader.FIRST_IS_OVERWRITE_CONTRECORD) != 0) {
            abandoned = assemblyStart;
            assembled = 0;
            return;
        }
        boolean continued = (info & WalPageHeader.FIRST_IS_CONTRECORD) != 0;
        if (!continued || remaining != total - assembled) {
            stop(new StopReason.MissingContinuation(
                    new Lsn(pageStart),
                    new Lsn(assemblyStart),
                    total - assembled,
                    continued ? Integer.toUnsignedLong(remaining) : 0));
        }
    }

    /** The page continues a record whose beginning was not given. */
    private void passOver(int remaining, long pageStart, int headerSize) {
        if (!searching) {
            stop(new StopReason.BadPageHeader(
                    new Lsn(pageStart), "it continues a record, but the one before it is complete"));
            return;
        }
        long rest = Integer.toUnsignedLong(remaining) + 7 & ~7L;
        ignored = (int) Math.min(rest, PAGE - headerSize);
    }

    private @Nullable StopReason problemOf(WalPageHeader page, long pageStart, int size) {
        Lsn at = new Lsn(pageStart);
        if (page.version() != version) {
            return isZero(size)
                    ? new StopReason.ZeroPage(at)
                    : new StopReason.UnknownMagic(
                            at,
                            page.magic(),
                            version,
                            WalSegment.containing(at, page.timeline(), segmentSize)
                                    .fileName());
        }
        if (page.pageLsn() != pageStart) {
            return new StopReason.PageAddressMismatch(at, new Lsn(page.pageLsn()));
        }
        if ((page.info() & ~WalPageHeader.ALL_FLAGS) != 0) {
            return new StopReason.BadPageHeader(at, "unknown flags " + page.info());
        }
        if (page.size() != size) {
            return new StopReason.BadPageHeader(at, "it has " + page.size() + " bytes and should have " + size);
        }
        if (Integer.compareUnsigned(page.timeline(), timeline) < 0
                || Integer.compareUnsigned(page.timeline(), lastTimeline) > 0) {
            return new StopReason.WrongTimeline(at, page.timeline(), timeline, lastTimeline);
        }
        return page.isLong() ? problemOfLong(page, at) : null;
    }

    private @Nullable StopReason problemOfLong(WalPageHeader page, Lsn at) {
        if (page.segmentSize() != segmentSize || page.pageSize() != PAGE) {
            return new StopReason.BadPageHeader(
                    at,
                    "it is of segments of " + page.segmentSize() + " bytes and pages of " + page.pageSize() + ", not "
                            + segmentSize + " and " + PAGE);
        }
        if (systemId != 0 && page.systemId() != systemId) {
            return new StopReason.BadPageHeader(
                    at,
                    "it is of the system " + Long.toUnsignedString(page.systemId()) + ", not "
                            + Long.toUnsignedString(systemId));
        }
        systemId = page.systemId();
        return null;
    }

    private boolean isZero(int size) {
        for (int i = 0; i < size; i++) {
            if (header[i] != 0) {
                return false;
            }
        }
        return true;
    }
}
