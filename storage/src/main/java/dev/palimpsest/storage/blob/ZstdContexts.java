package dev.palimpsest.storage.blob;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.nio.ByteBuffer;

/**
 * zstd contexts to be used again and again: making one costs more than compressing a page with it. Contexts are made when
 * none is free; up to a number of each kind are kept. Safe for use by many threads, without locks; what is taken belongs to
 * one thread at a time.
 */
public final class ZstdContexts implements AutoCloseable {
    /** Scratch buffers up to this size are kept with their context, in bytes. */
    private static final int KEPT_SCRATCH = 1 << 20;

    /** What a frame says that does not tell its content's size. */
    static final long UNKNOWN_SIZE = -1;

    private final Spares<Compressor> compressors;
    private final Spares<Decompressor> decompressors;
    private volatile boolean closed;

    /** @param kept how many contexts of each kind are kept when nobody uses them; about as many as threads compress at once */
    public ZstdContexts(int kept) {
        this.compressors = new Spares<>(kept);
        this.decompressors = new Spares<>(kept);
    }

    /** Takes a compressor; closing it gives it back. */
    Compressor compressor() {
        Compressor spare = compressors.take();
        return spare == null ? new Compressor() : spare;
    }

    /** Takes a decompressor; closing it gives it back. */
    Decompressor decompressor() {
        Decompressor spare = decompressors.take();
        return spare == null ? new Decompressor() : spare;
    }

    /**
     * How many bytes the frame that is all of {@code source}, from 0 to its limit, says that it becomes: {@link #UNKNOWN_SIZE} if it
     * does not say, less than that if it is no frame.
     */
    static long contentSize(ByteBuffer source) {
        return source.isDirect()
                ? Zstd.getDirectByteBufferFrameContentSize(source, 0, source.limit(), false)
                : Zstd.getFrameContentSize(source.array(), source.arrayOffset(), source.limit(), false);
    }

    /** Frees the contexts that nobody uses, and from now on each one when it is given back. May be called again. */
    @Override
    public void close() {
        closed = true;
        for (Compressor spare = compressors.take(); spare != null; spare = compressors.take()) {
            spare.context.close();
        }
        for (Decompressor spare = decompressors.take(); spare != null; spare = decompressors.take()) {
            spare.context.close();
        }
    }

    /** Compresses one blob after the other. */
    final class Compressor implements AutoCloseable {
        private final ZstdCompressCtx context = new ZstdCompressCtx();
        private ByteBuffer input = ByteBuffer.allocateDirect(0);
        private ByteBuffer output = ByteBuffer.allocateDirect(0);

        /**
         * Compresses the bytes between position and limit, which are not moved.
         *
         * @return the frame, valid until the next call or close
         */
        ByteBuffer compress(ByteBuffer source, int level) {
            int length = source.remaining();
            ByteBuffer from = source;
            int at = source.position();
            if (!source.isDirect()) {
                input = grown(input, length);
                from = input;
                at = 0;
                input.put(0, source, source.position(), length);
            }
            output = grown(output, Math.toIntExact(Zstd.compressBound(length)));
            context.setLevel(level);
            int size = context.compressDirectByteBuffer(output, 0, output.capacity(), from, at, length);
            return output.slice(0, size);
        }

        @Override
        public void close() {
            input = input.capacity() > KEPT_SCRATCH ? ByteBuffer.allocateDirect(0) : input;
            output = output.capacity() > KEPT_SCRATCH ? ByteBuffer.allocateDirect(0) : output;
            if (!compressors.give(this)) {
                context.close();
            } else if (closed) {
                ZstdContexts.this.close();
            }
        }
    }

    /** Decompresses one frame after the other. */
    final class Decompressor implements AutoCloseable {
        private final ZstdDecompressCtx context = new ZstdDecompressCtx();
        private byte[] scratch = {};

        /** Memory of its own, at least {@code size} bytes, good until it is asked again or closed. */
        ByteBuffer scratch(int size) {
            if (scratch.length < size) {
                scratch = new byte[Math.max(size, Math.min(2 * scratch.length, KEPT_SCRATCH))];
            }
            return ByteBuffer.wrap(scratch);
        }

        /**
         * Decompresses the frame that is all of {@code source}, from 0 to its limit, into {@code target}, from 0 to its limit. Each
         * is direct or has an array.
         *
         * @return how many bytes it gave
         * @throws com.github.luben.zstd.ZstdException if it is damaged, or gives more than {@code target} holds
         */
        int decompress(ByteBuffer source, ByteBuffer target) {
            int length = source.limit();
            int room = target.limit();
            if (source.isDirect()) {
                return target.isDirect()
                        ? context.decompressDirectByteBuffer(target, 0, room, source, 0, length)
                        : context.decompressDirectByteBufferToByteArray(
                                target.array(), target.arrayOffset(), room, source, 0, length);
            }
            return target.isDirect()
                    ? context.decompressByteArrayToDirectByteBuffer(
                            target, 0, room, source.array(), source.arrayOffset(), length)
                    : context.decompressByteArray(
                            target.array(), target.arrayOffset(), room, source.array(), source.arrayOffset(), length);
        }

        @Override
        public void close() {
            scratch = scratch.length > KEPT_SCRATCH ? new byte[0] : scratch;
            if (!decompressors.give(this)) {
                context.close();
            } else if (closed) {
                ZstdContexts.this.close();
            }
        }
    }

    private static ByteBuffer grown(ByteBuffer buffer, int capacity) {
        return buffer.capacity() >= capacity
                ? buffer
                : ByteBuffer.allocateDirect(Math.max(capacity, Math.min(2 * buffer.capacity(), KEPT_SCRATCH)));
    }
}
