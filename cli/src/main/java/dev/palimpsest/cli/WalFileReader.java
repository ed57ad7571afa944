package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records in the files of WAL segments, one after the other. The buffer is reused, nothing is allocated per
 * record. Not thread-safe.
 */
final class WalFileReader implements AutoCloseable {
    private static final int BUFFER = 1 << 16;
    private static final int RECORD_ALIGNMENT_MASK = Lsn.RECORD_ALIGNMENT - 1;

    /**
     * Why there are no more records.
     *
     * @param at where the next one would begin
     * @param text a sentence
     * @param damaged whether more was to be expected: the WAL goes on in a later segment, or does not reach the end
     *     that was asked for
     */
    record End(Lsn at, String text, boolean damaged) {}

    private final WalFiles files;
    private final long from;
    private final @Nullable Lsn until;
    private final WalStreamDecoder decoder;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

    private @Nullable FileChannel file;
    private long fileNumber;
    private @Nullable End end;

    /**
     * Opens no file yet.
     *
     * @param start records that begin before are passed over; null for none
     * @param until the last record ends here or earlier; null for no limit
     * @throws IllegalArgumentException if the files do not have the segment with {@code start}
     */
    WalFileReader(WalFiles files, @Nullable Lsn start, @Nullable Lsn until) {
        this.files = files;
        this.from = start == null ? 0 : start.value();
        this.until = until;
        Lsn first = files.segment(files.segments().firstKey()).start();
        if (start != null) {
            long number = Long.divideUnsigned(start.value(), files.segmentSize());
            if (!files.segments().containsKey(number)) {
                throw new IllegalArgumentException("WAL segment "
                        + files.segment(number).fileName() + ", which has " + start
                        + ", is not there; there is WAL from "
                        + first + " to "
                        + files.segment(files.segments().lastKey()).end());
            }
            first = new Lsn(start.value() & -(long) WalPageHeader.PAGE_SIZE);
        }
        this.decoder = new WalStreamDecoder(files.version(), files.segmentSize(), files.timeline(), first);
    }

    /** Goes to the next record; false if there is none, see {@link #end}. */
    boolean next() throws IOException {
        while (end == null) {
            if (decoder.next()) {
                WalRecord record = decoder.record();
                if (until != null && Long.compareUnsigned(record.endLsn(), alignedUp(until)) > 0) {
                    end = new End(new Lsn(record.startLsn()), "the end asked for is reached", false);
                } else if (Long.compareUnsigned(record.startLsn(), from) >= 0) {
                    return true;
                }
            } else if (decoder.stopped() != null || !feed()) {
                end = judge(decoder.finish());
            }
        }
        return false;
    }

    /** The record that {@link #next} went to; the same object each time. */
    WalRecord record() {
        return decoder.record();
    }

    /** Why {@link #next} said false. */
    End end() {
        if (end == null) {
            throw new IllegalStateException("there may be more records");
        }
        return end;
    }

    /** Gives the decoder bytes; false if there are no more. */
    private boolean feed() throws IOException {
        long position = decoder.feedPosition().value();
        long number = Long.divideUnsigned(position, files.segmentSize());
        FileChannel in = file;
        if (in == null || number != fileNumber) {
            Path path = files.segments().get(number);
            if (path == null) {
                return false;
            }
            close();
            in = FileChannel.open(path, StandardOpenOption.READ);
            file = in;
            fileNumber = number;
        }
        int offset = (int) (position & files.segmentSize() - 1);
        buffer.clear().limit(Math.min(BUFFER, files.segmentSize() - offset));
        int read = in.read(buffer, offset);
        if (read <= 0) {
            return false;
        }
        decoder.feed(buffer.array(), 0, read);
        return true;
    }

    private End judge(StopReason reason) throws IOException {
        Lsn last = decoder.endOfLastRecord();
        if (until != null && Long.compareUnsigned(until.value(), startAfter(last)) <= 0) {
            return new End(last, "the end asked for is reached", false);
        }
        if (until != null) {
            return new End(
                    reason.at(), reason.describe() + ", before the end asked for, " + until + ", is reached", true);
        }
        if (reason instanceof StopReason.UnknownMagic) {
            // Segments that are kept for later have zeros or older WAL of the same version: this is somebody else's.
            return new End(reason.at(), reason.describe(), true);
        }
        Long later = files.firstWrittenAfter(
                Long.divideUnsigned(decoder.feedPosition().value(), files.segmentSize()));
        return later == null
                ? new End(reason.at(), reason.describe(), false)
                : new End(
                        reason.at(),
                        reason.describe() + ", but the WAL goes on in segment "
                                + files.segment(later).fileName(),
                        true);
    }

    /** Where the first byte of a record can be that follows one which ends at {@code lsn}: behind a page header. */
    private long startAfter(Lsn lsn) {
        if ((lsn.value() & files.segmentSize() - 1) == 0) {
            return lsn.value() + WalPageHeader.LONG_SIZE;
        }
        boolean isPage = (lsn.value() & WalPageHeader.PAGE_SIZE - 1) == 0;
        return lsn.value() + (isPage ? WalPageHeader.SHORT_SIZE : 0);
    }

    private static long alignedUp(Lsn lsn) {
        return lsn.value() + RECORD_ALIGNMENT_MASK & ~(long) RECORD_ALIGNMENT_MASK;
    }

    /** Closes the file. */
    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
            file = null;
        }
    }
}
