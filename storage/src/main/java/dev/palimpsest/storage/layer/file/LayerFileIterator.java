package dev.palimpsest.storage.layer.file;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.BlobReader;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.ReadPlan;
import dev.palimpsest.storage.blob.StreamingReadPlanner;
import dev.palimpsest.storage.btree.BtreeCursor;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerIterator;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Walks over all values of a layer file. Blobs are read in batches and copied out of the read buffer, which is given back
 * before the first value of a batch is seen, so that many iterators can be open at a time.
 */
final class LayerFileIterator implements LayerIterator {
    private static final int MAX_BATCH_VALUES = 1024;

    /** What the bytes of an image begin with ({@link ValueCodec}). */
    private static final int IMAGE_TAG = 0;

    private final LayerIo io;
    private final LayerFormat format;
    private final LayerName name;
    private final Opener opener;
    private final RequestContext context;
    private @Nullable Walk walk;
    private State state = State.BEFORE_FIRST;

    private enum State {
        BEFORE_FIRST,
        ON_VALUE,
        AT_END,
        CLOSED
    }

    /** Gives the open file. */
    @FunctionalInterface
    interface Opener {
        OpenLayerFile open() throws StorageException;
    }

    LayerFileIterator(LayerIo io, LayerFormat format, LayerName name, Opener opener, RequestContext context) {
        this.io = io;
        this.format = format;
        this.name = name;
        this.opener = opener;
        this.context = context;
    }

    /** The values of a batch, and the entry of the index that follows it. */
    private final class Walk implements BlobReader.Visitor {
        private final OpenLayerFile file;
        private final BtreeCursor cursor;
        private final StreamingReadPlanner planner;
        private boolean moreEntries;
        private boolean begun;
        private Key[] keys = new Key[64];
        private long[] lsns = new long[64];
        private boolean[] willInit = new boolean[64];
        private int[] ends = new int[64];
        /** Values in the batch that were read. */
        private int count;
        /** Entries known: those of the batch and, if it is more, the one that follows. */
        private int known;
        /** The value it stands on. */
        private int at = -1;

        private @Nullable ReadPlan planned;
        private ByteBuffer bytes = ByteBuffer.allocate(Block.SIZE);
        private ByteBuffer view = bytes.duplicate();

        Walk(OpenLayerFile file) {
            this.file = file;
            this.cursor = file.index(context).cursor();
            this.planner = new StreamingReadPlanner(
                    file.resource(), Block.SIZE, file.dataEnd(), Block.SIZE, io.maxReadBytes(), MAX_BATCH_VALUES);
        }

        boolean next() throws StorageException {
            at++;
            if (at >= count && !fill()) {
                return false;
            }
            view.limit(ends[at]).position(at == 0 ? 0 : ends[at - 1]);
            return true;
        }

        private boolean fill() throws StorageException {
            drop();
            if (!begun) {
                moreEntries = cursor.first();
                begun = true;
            }
            ReadPlan plan = null;
            while (plan == null && moreEntries) {
                Key key = key();
                checkInside(key, format.lsn(name, cursor));
                long value = cursor.value();
                plan = planner.add(0, format.lsn(name, cursor).value(), format.blobOffset(value));
                remember(key, format.lsn(name, cursor).value(), format.willInit(value));
                moreEntries = cursor.next();
            }
            if (plan == null && known > 0) {
                plan = planner.endRange(file.dataEnd());
            }
            if (plan == null) {
                return false;
            }
            read(plan);
            return true;
        }

        /** Forgets the batch that was walked over; the entry that follows it becomes the first of the next one. */
        private void drop() {
            for (int i = count; i < known; i++) {
                keys[i - count] = keys[i];
                lsns[i - count] = lsns[i];
                willInit[i - count] = willInit[i];
            }
            known -= count;
            count = 0;
            at = 0;
            bytes.clear();
        }

        private Key key() {
            long high = cursor.keyLong(0);
            long middle = cursor.keyLong(8);
            char low = cursor.keyChar(16);
            if (known > 0) {
                Key last = keys[known - 1];
                if (last.low() == low && last.middle() == middle && last.high() == high) {
                    return last;
                }
            }
            return new Key(high, middle, low);
        }

        private void checkInside(Key key, Lsn lsn) throws CorruptionException {
            if (!name.keyRange().contains(key) || !name.lsnRange().contains(lsn)) {
                throw new CorruptionException(
                        file.resource(),
                        format.blobOffset(cursor.value()),
                        "the index has a value of key " + key + " at " + lsn + ", outside of the layer");
            }
        }

        private void remember(Key key, long lsn, boolean init) {
            if (known == keys.length) {
                keys = Arrays.copyOf(keys, 2 * known);
                lsns = Arrays.copyOf(lsns, 2 * known);
                willInit = Arrays.copyOf(willInit, 2 * known);
                ends = Arrays.copyOf(ends, 2 * known);
            }
            keys[known] = key;
            lsns[known] = lsn;
            willInit[known++] = init;
        }

        private void read(ReadPlan plan) throws StorageException {
            context.account(format.valueContent(), plan.readEnd(0) - plan.readStart(0));
            int blobs = plan.blobs();
            planned = plan;
            file.blobs().read(plan, BlobReader.Order.ASCENDING, context, this);
            if (count != blobs) {
                throw new IllegalStateException("read " + count + " values, planned were " + blobs);
            }
            view = bytes.duplicate();
        }

        @Override
        public void blob(int tag, long lsn, ByteBuffer blob) throws StorageException {
            int needed = blob.remaining() + LayerFormat.ENVELOPE_BYTES;
            if (bytes.remaining() < needed) {
                int capacity = Math.addExact(bytes.position(), Math.max(needed, bytes.capacity()));
                bytes = ByteBuffer.allocate(capacity).put(bytes.flip());
            }
            long offset = planned == null ? 0 : planned.blobStart(count);
            if (!file.hasChecksums()) {
                // It may be copied onward, into a file whose checksums would make the damage look sound.
                format.decode(blob, byte[]::new, file.resource(), offset);
            }
            int start = bytes.position();
            format.copyValue(blob, bytes);
            int end = bytes.position();
            if (ValueCodec.willInit(bytes.slice(start, end - start), file.resource(), offset) != willInit[count]) {
                throw new CorruptionException(
                        file.resource(), offset, "value and index disagree on whether older values are needed");
            }
            ends[count++] = end;
        }
    }

    @Override
    public boolean next() throws StorageException {
        if (state == State.CLOSED) {
            throw new IllegalStateException("the iterator is closed");
        }
        if (state == State.AT_END) {
            return false;
        }
        state = State.AT_END;
        Walk walking = walk;
        if (walking == null) {
            walking = new Walk(opener.open());
            walk = walking;
        }
        if (walking.next()) {
            state = State.ON_VALUE;
            return true;
        }
        return false;
    }

    private Walk walk() {
        Walk walking = walk;
        if (state != State.ON_VALUE || walking == null) {
            throw new IllegalStateException("the iterator does not stand on a value");
        }
        return walking;
    }

    @Override
    public Key key() {
        Walk walking = walk();
        return walking.keys[walking.at];
    }

    @Override
    public Lsn lsn() {
        Walk walking = walk();
        return new Lsn(walking.lsns[walking.at]);
    }

    @Override
    public ByteBuffer value() {
        return walk().view;
    }

    @Override
    public boolean willInit() {
        Walk walking = walk();
        return walking.willInit[walking.at];
    }

    @Override
    public boolean isImage() {
        ByteBuffer value = walk().view;
        return value.getInt(value.position()) == IMAGE_TAG;
    }

    @Override
    public void close() {
        state = State.CLOSED;
        walk = null;
    }
}
