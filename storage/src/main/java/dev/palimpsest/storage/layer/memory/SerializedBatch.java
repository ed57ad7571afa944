package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * Values in the bytes that an ephemeral file stores (see {@link StoredValue}), with where each of them lies: what the write
 * path hands to a layer in one piece. Built without a timeline, so that decoding WAL can run ahead of it, in parallel, or
 * elsewhere; a value is serialised once, here.
 *
 * <p>Values need no order, neither among keys nor among the LSNs of one key. Of several values of one key at one LSN the
 * last counts.
 *
 * <p>A batch is a view of its builder's memory: it is good until the builder is cleared, and throws
 * {@link IllegalStateException} afterwards. Builder and batch are used by one thread at a time; handing them on needs a
 * happens-before edge.
 */
public final class SerializedBatch {
    private final Builder builder;
    private final int generation;

    private SerializedBatch(Builder builder) {
        this.builder = builder;
        this.generation = builder.generation;
    }

    private Builder live() {
        if (generation != builder.generation) {
            throw new IllegalStateException("the batch is gone: its builder was cleared");
        }
        return builder;
    }

    /** How many values. */
    public int count() {
        return live().count;
    }

    /** Whether there is no value in it. */
    public boolean isEmpty() {
        return count() == 0;
    }

    /** The bytes that all values take in a layer file, serialised and with their blob headers. */
    public long sizeBytes() {
        return live().blobBytes;
    }

    /** The bytes of all values as they are stored, mostly fewer. */
    int storedBytes() {
        return live().raw.position();
    }

    /** The highest LSN of any value; {@link Lsn#INVALID} if there is none. */
    public Lsn highestLsn() {
        return new Lsn(live().highestLsn);
    }

    /** The lowest LSN of any value; {@link Lsn#MAX} if there is none. */
    public Lsn lowestLsn() {
        return new Lsn(live().lowestLsn);
    }

    /** The key of a value, counted from 0 in the order of putting. */
    public Key key(int index) {
        Builder from = live();
        return new Key(from.highs[index(index)], from.middles[index], from.lows[index]);
    }

    /** The LSN of a value. */
    public Lsn lsn(int index) {
        return new Lsn(live().lsns[index(index)]);
    }

    /** Whether a value initialises its key. */
    public boolean willInit(int index) {
        return ValueLocation.willInit(live().locations[index(index)]);
    }

    /** The length of a value in bytes, as {@link ValueCodec} writes it. */
    public int valueLength(int index) {
        return ValueLocation.encodedLength(live().locations[index(index)]);
    }

    private int index(int index) {
        return Objects.checkIndex(index, builder.count);
    }

    /** All the bytes as they are stored, from position to limit; the position and limit are the caller's own. */
    ByteBuffer raw() {
        return live().raw.duplicate().flip();
    }

    /** Puts every value into an index, as lying {@code base} bytes further on; returns how many replaced another. */
    int putInto(MemoryIndex index, long base) {
        Builder from = live();
        int replaced = 0;
        for (int i = 0; i < from.count; i++) {
            long location = ValueLocation.shift(from.locations[i], base);
            if (index.put(from.highs[i], from.middles[i], from.lows[i], from.lsns[i], location)) {
                replaced++;
            }
        }
        return replaced;
    }

    /**
     * Gathers values for a batch; to be cleared and filled again. Its memory grows as needed, up to the limit, and once it
     * has grown, putting a value allocates nothing.
     */
    public static final class Builder {
        /** The limit that is used unless another is given, in bytes; far above what one modification has. */
        public static final int DEFAULT_MAX_BYTES = 1 << 30;

        /** What a builder keeps for the next batch, at most, in bytes; a rare huge batch does not stay. */
        private static final int RETAINED_BYTES = 32 << 20;

        private static final int FIRST_BYTES = 16 << 10;
        private static final int FIRST_VALUES = 64;

        private final int maxBytes;
        private ByteBuffer raw;
        private long[] highs = new long[FIRST_VALUES];
        private long[] middles = new long[FIRST_VALUES];
        private char[] lows = new char[FIRST_VALUES];
        private long[] lsns = new long[FIRST_VALUES];
        /** {@link ValueLocation}s, counted from the start of the batch. */
        private long[] locations = new long[FIRST_VALUES];

        private int count;
        private long blobBytes;
        private long highestLsn;
        private long lowestLsn = Lsn.MAX.value();
        private int generation;
        private boolean built;

        /** With {@link #DEFAULT_MAX_BYTES}. */
        public Builder() {
            this(DEFAULT_MAX_BYTES);
        }

        /**
         * @param maxBytes the greatest size of the values of a batch as they are stored, in bytes, at least 1
         */
        public Builder(int maxBytes) {
            if (maxBytes < 1) {
                throw new IllegalArgumentException("a batch of at most " + maxBytes + " bytes holds nothing");
            }
            this.maxBytes = maxBytes;
            this.raw = ByteBuffer.allocateDirect(Math.min(FIRST_BYTES, maxBytes));
        }

        /**
         * Adds a value.
         *
         * @throws InvalidRequestException if the value is longer than a blob can be (256 MiB), or the batch would exceed its
         *     limit; then the batch is as it was
         */
        public void put(Key key, Lsn lsn, Value value) throws InvalidRequestException {
            if (value instanceof WalRecord.Postgres postgres) {
                beginRecord(
                        key.high(), key.middle(), key.low(), lsn.value(), postgres.record().length, value.willInit());
                raw.put(postgres.record());
            } else {
                begin(
                        key.high(),
                        key.middle(),
                        key.low(),
                        lsn.value(),
                        ValueCodec.encodedSize(value),
                        value.willInit());
                ValueCodec.encode(value, raw);
            }
        }

        /**
         * Adds an image.
         *
         * @param page all bytes from position to limit; both stay as they are
         * @throws InvalidRequestException as {@link #put}
         */
        public void putImage(Key key, Lsn lsn, ByteBuffer page) throws InvalidRequestException {
            putImage(key.high(), key.middle(), key.low(), lsn.value(), page);
        }

        /** As the next one, of an LSN that is an object already. */
        public void putImage(long high, long middle, char low, Lsn lsn, ByteBuffer page)
                throws InvalidRequestException {
            putImage(high, middle, low, lsn.value(), page);
        }

        /**
         * Adds an image under the key of three words; see {@link Key}. Makes no object.
         *
         * @param lsn as {@link Lsn#value()} gives it
         * @param page all bytes from position to limit; both stay as they are
         * @throws InvalidRequestException as {@link #put}
         */
        public void putImage(long high, long middle, char low, long lsn, ByteBuffer page)
                throws InvalidRequestException {
            int length = page.remaining();
            begin(high, middle, low, lsn, ValueCodec.IMAGE_HEADER_SIZE + (long) length, true);
            ValueCodec.encodeImage(page, raw);
        }

        /**
         * Adds a WAL record of PostgreSQL.
         *
         * @param willInit whether the record builds the page anew
         * @param record all of the record from position to limit; both stay as they are
         * @throws InvalidRequestException as {@link #put}
         */
        public void putPostgresRecord(Key key, Lsn lsn, boolean willInit, ByteBuffer record)
                throws InvalidRequestException {
            putPostgresRecord(key.high(), key.middle(), key.low(), lsn.value(), willInit, record);
        }

        /** As the next one, of an LSN that is an object already. */
        public void putPostgresRecord(long high, long middle, char low, Lsn lsn, boolean willInit, ByteBuffer record)
                throws InvalidRequestException {
            putPostgresRecord(high, middle, low, lsn.value(), willInit, record);
        }

        /**
         * Adds a WAL record of PostgreSQL under the key of three words; see {@link Key}. Makes no object.
         *
         * @param lsn as {@link Lsn#value()} gives it
         * @param willInit whether the record builds the page anew
         * @param record all of the record from position to limit; both stay as they are
         * @throws InvalidRequestException as {@link #put}
         */
        public void putPostgresRecord(long high, long middle, char low, long lsn, boolean willInit, ByteBuffer record)
                throws InvalidRequestException {
            int length = record.remaining();
            beginRecord(high, middle, low, lsn, length, willInit);
            raw.put(raw.position(), record, record.position(), length).position(raw.position() + length);
        }

        private void begin(long high, long middle, char low, long lsn, long length, boolean willInit)
                throws InvalidRequestException {
            check(high, middle, low, lsn, length);
            add(high, middle, low, lsn, (int) length, false, willInit);
        }

        private void beginRecord(long high, long middle, char low, long lsn, int length, boolean willInit)
                throws InvalidRequestException {
            check(high, middle, low, lsn, ValueCodec.POSTGRES_HEADER_SIZE + (long) length);
            add(high, middle, low, lsn, length, true, willInit);
        }

        /** @param length of the value as {@link ValueCodec} writes it: a layer file has to take it */
        private void check(long high, long middle, char low, long lsn, long length) throws InvalidRequestException {
            if (built) {
                throw new IllegalStateException("the batch was built; clear the builder before filling it again");
            }
            if (length > ValueLocation.MAX_LENGTH) {
                throw new InvalidRequestException(
                        "the value of key " + new Key(high, middle, low) + " at " + new Lsn(lsn) + " has " + length
                                + " bytes; the limit of a value is " + ValueLocation.MAX_LENGTH);
            }
        }

        /** Adds all of a value but its bytes, which are to be written next. */
        private void add(long high, long middle, char low, long lsn, int length, boolean isBare, boolean willInit)
                throws InvalidRequestException {
            long location = ValueLocation.pack(raw.position(), length, isBare, willInit);
            long end = ValueLocation.end(location);
            if (end > maxBytes) {
                throw new InvalidRequestException("a batch of " + count + " values would grow to " + end
                        + " bytes with the value of key " + new Key(high, middle, low) + " at " + new Lsn(lsn)
                        + "; its limit is " + maxBytes);
            }
            reserve((int) end);
            highs[count] = high;
            middles[count] = middle;
            lows[count] = low;
            lsns[count] = lsn;
            locations[count] = location;
            count++;
            blobBytes += ValueLocation.blobLength(location);
            if (Long.compareUnsigned(lsn, highestLsn) > 0) {
                highestLsn = lsn;
            }
            if (Long.compareUnsigned(lsn, lowestLsn) < 0) {
                lowestLsn = lsn;
            }
            raw.putInt(StoredValue.guard(high, middle, low, lsn, location));
        }

        private void reserve(int end) {
            if (end > raw.capacity()) {
                ByteBuffer larger =
                        ByteBuffer.allocateDirect((int) Math.min(maxBytes, Math.max(end, 2L * raw.capacity())));
                raw = larger.put(raw.flip());
            }
            if (count == highs.length) {
                int more = Math.multiplyExact(2, count);
                highs = Arrays.copyOf(highs, more);
                middles = Arrays.copyOf(middles, more);
                lows = Arrays.copyOf(lows, more);
                lsns = Arrays.copyOf(lsns, more);
                locations = Arrays.copyOf(locations, more);
            }
        }

        /** How many values were put since the last clearing. */
        public int count() {
            return count;
        }

        /** The bytes that the values put since the last clearing take in a layer file, with their blob headers. */
        public long sizeBytes() {
            return blobBytes;
        }

        /** The batch. Nothing can be put until the builder is cleared. */
        public SerializedBatch build() {
            built = true;
            return new SerializedBatch(this);
        }

        /** Starts anew; the batch that was built is gone. */
        public void clear() {
            generation++;
            built = false;
            count = 0;
            blobBytes = 0;
            highestLsn = 0;
            lowestLsn = Lsn.MAX.value();
            if (raw.capacity() > RETAINED_BYTES) {
                raw = ByteBuffer.allocateDirect(Math.min(FIRST_BYTES, maxBytes));
            }
            raw.clear();
        }
    }
}
