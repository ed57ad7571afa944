package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Appends to a file through one buffer of its own, while others read what was appended.
 *
 * <pre>
 *   start                    base                 position      base + bufferBytes
 *     │ written out: in the file │ in the buffer       │  free        │
 *     └──────────────────────────┴─────────────────────┴──────────────┘
 * </pre>
 *
 * <p><b>Threads.</b> One writer at a time; whoever hands it on to another thread does so with a happens-before edge.
 * {@link #read} and {@link #offset} may be called by any thread at any time. Readers take no lock, never wait for the
 * writer, and get exactly the bytes appended.
 *
 * <p><b>Why a reader never sees recycled bytes.</b> The buffer is only appended to as long as {@code base} stays the
 * same. To use it again, the writer first has all of it in the file, then moves {@code base} to or past the end of what
 * was in it, and only then (behind a release fence) overwrites it. A reader looks at {@code base}, copies, and (behind an
 * acquire fence) looks at {@code base} again: if it has not moved, the bytes are good; if it has, they are in the file,
 * from where the reader then takes them. {@code base} only grows, so that no second look is ever needed.
 *
 * <p><b>Failures.</b> A write is seen by readers completely or not at all. After one failed the writer is poisoned: what
 * was appended before stays readable, and every later write, padding, flush or seal fails, so that nothing is ever
 * appended behind a hole.
 *
 * <p><b>Durability.</b> None: after {@link #flush()} or {@link #seal()} the bytes are in the file, and
 * {@link WritableFile#sync()} makes them durable. The file belongs to the caller, who closes it after the last read.
 *
 * <p>Nothing is allocated per write or read; the buffer is direct memory, allocated with the first write that needs it.
 */
public final class AppendWriter {
    /** Enough where the kernel buffers too: larger ones were not reliably faster. */
    public static final int DEFAULT_BUFFER_BYTES = 64 * 1024;

    /** With direct I/O every write waits for the device: four times the buffer gave half as much throughput again. */
    private static final int DEFAULT_BUFFER_UNITS = 64;

    private static final byte[] ZEROS = new byte[4096];

    private final WritableFile file;
    private final int alignment;
    private final int bufferBytes;

    /** Everything below it is in the file; everything from it to {@link #position} is in the buffer. */
    private volatile long base;
    /** Up to where readers may read. */
    private volatile long published;

    private volatile @Nullable ByteBuffer buffer;

    /** The writer's own view of the buffer, so that its position and limit are nobody else's. */
    private @Nullable ByteBuffer out;
    /** Where the next byte goes; ahead of {@link #published} only inside of a write. */
    private long position;
    /** Up to where the buffer was written to the file without being recycled; from {@link #base} to {@link #position}. */
    private long flushed;

    /** Inside of a write, and for ever after one that failed. */
    private boolean writing;

    private @Nullable DiskException failure;
    private boolean sealed;

    /**
     * Appends with a buffer of {@link #DEFAULT_BUFFER_BYTES}, or of 64 alignment units if that is more.
     *
     * @param disk where the file is
     * @param file the file; what it holds from {@code start} on is overwritten
     * @param start the offset of the first byte, a multiple of {@link Disk#alignment()}
     */
    public AppendWriter(Disk disk, WritableFile file, long start) {
        this(disk, file, start, Math.max(DEFAULT_BUFFER_BYTES, DEFAULT_BUFFER_UNITS * disk.alignment()));
    }

    /**
     * Appends with a buffer of a chosen size.
     *
     * @param disk where the file is
     * @param file the file; what it holds from {@code start} on is overwritten
     * @param start the offset of the first byte, a multiple of {@link Disk#alignment()}
     * @param bufferBytes the size of the buffer, a multiple of {@link Disk#alignment()}, above 0
     */
    public AppendWriter(Disk disk, WritableFile file, long start, int bufferBytes) {
        this.alignment = disk.alignment();
        if (start < 0 || start % alignment != 0) {
            throw new IllegalArgumentException("start " + start + " is not a multiple of the alignment " + alignment);
        }
        if (bufferBytes <= 0 || bufferBytes % alignment != 0) {
            throw new IllegalArgumentException(
                    "buffer of " + bufferBytes + " bytes is not a multiple of the alignment " + alignment);
        }
        this.file = file;
        this.bufferBytes = bufferBytes;
        this.base = start;
        this.published = start;
        this.position = start;
        this.flushed = start;
    }

    /** Where the next byte goes: the end, exclusive, of what was appended completely. */
    public long offset() {
        return published;
    }

    /**
     * Appends all of {@code source}, from its position to its limit. A direct buffer at least as large as this writer's
     * own is written to the file as it is, without a copy, as far as the alignment permits.
     *
     * @throws DiskException if the file could not be written, now or earlier; then nothing of {@code source} was appended
     *     and nothing can be any more. Not retryable if it was earlier.
     */
    public void write(ByteBuffer source) throws DiskException {
        begin("append", source.remaining());
        try {
            if (source.isDirect() && source.remaining() >= bufferBytes) {
                passThrough(source);
            }
            while (source.hasRemaining()) {
                ByteBuffer room = room();
                int length = Math.min(room.remaining(), source.remaining());
                room.put(room.position(), source, source.position(), length);
                source.position(source.position() + length);
                position += length;
            }
        } catch (DiskException e) {
            throw poison(e);
        }
        end();
    }

    /**
     * Appends zeros until {@link #offset()} is a multiple of {@code multiple}; none if it is already.
     *
     * @throws DiskException as {@link #write}
     */
    public void padTo(int multiple) throws DiskException {
        if (multiple <= 0) {
            throw new IllegalArgumentException("cannot pad to a multiple of " + multiple);
        }
        long left = (multiple - position % multiple) % multiple;
        begin("pad", left);
        try {
            while (left > 0) {
                ByteBuffer room = room();
                int length = (int) Math.min(Math.min(room.remaining(), ZEROS.length), left);
                room.put(room.position(), ZEROS, 0, length);
                position += length;
                left -= length;
            }
        } catch (DiskException e) {
            throw poison(e);
        }
        end();
    }

    /**
     * Writes everything that was appended to the file, at any offset. Appending goes on afterwards; a last block that is
     * not full is then written once more with what follows.
     *
     * @throws DiskException as {@link #write}
     */
    public void flush() throws DiskException {
        begin("flush", position - flushed);
        try {
            writeOut();
        } catch (DiskException e) {
            throw poison(e);
        }
        end();
    }

    /**
     * Writes everything that was appended to the file and lets go of the buffer. Nothing can be appended any more;
     * reading goes on. Does nothing the second time.
     *
     * @throws DiskException as {@link #write}
     */
    public void seal() throws DiskException {
        if (sealed) {
            return;
        }
        flush();
        sealed = true;
        base = position;
        buffer = null;
        out = null;
    }

    /**
     * Fills {@code target} from its position to its limit with the bytes at {@code offset} and after, and moves its
     * position past them. Stops at {@link #offset()} as it was at some moment during the call.
     *
     * @param offset 0 or above; below the start of this writer it is the file that is read
     * @return the number of bytes read, less than asked for only at the end; 0 at or behind it
     * @throws DiskException if the file could not be read
     */
    public int read(long offset, ByteBuffer target) throws DiskException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset + " in " + file.path());
        }
        // The end comes first: what is published is either in the buffer of the base seen after it, or in the file.
        long end = published;
        int length = (int) Math.min(target.remaining(), Math.max(0, end - offset));
        if (length == 0) {
            return 0;
        }
        end = offset + length;
        long fromFile = Math.min(end, copyTail(offset, end, target)) - offset;
        if (fromFile > 0) {
            readFile(offset, (int) fromFile, target);
        }
        target.position(target.position() + length - (int) Math.max(0, fromFile));
        return length;
    }

    /** Copies what the buffer has of {@code [offset, end)} to its place in {@code target}; returns the end of the rest. */
    private long copyTail(long offset, long end, ByteBuffer target) {
        long from = base;
        if (end <= from) {
            return end;
        }
        ByteBuffer tail = buffer;
        if (tail == null) {
            return end;
        }
        long first = Math.max(offset, from);
        target.put(target.position() + (int) (first - offset), tail, (int) (first - from), (int) (end - first));
        VarHandle.acquireFence();
        return base == from ? first : end;
    }

    private void readFile(long offset, int length, ByteBuffer target) throws DiskException {
        int limit = target.limit();
        target.limit(target.position() + length);
        try {
            int read = file.read(offset, target);
            if (read != length) {
                throw new DiskException(
                        DiskException.Kind.FATAL,
                        "read",
                        file.path().toString(),
                        offset,
                        length,
                        "the file ends after " + read + " bytes though more was written to it");
            }
        } finally {
            target.limit(limit);
        }
    }

    /** The free part of the buffer, between position and limit, not empty; recycles the buffer if it is full. */
    private ByteBuffer room() throws DiskException {
        ByteBuffer room = out;
        if (room == null) {
            ByteBuffer memory = ByteBuffer.allocateDirect(bufferBytes + alignment - 1)
                    .alignedSlice(alignment)
                    .slice(0, bufferBytes);
            room = memory.duplicate();
            out = room;
            buffer = memory;
        } else if (position - base == bufferBytes) {
            writeOut();
            recycle();
        }
        return room.limit(bufferBytes).position((int) (position - base));
    }

    /** To be called when everything up to {@link #position} is in the file. */
    private void recycle() {
        flushed = position;
        base = position;
        VarHandle.releaseFence();
    }

    private void writeOut() throws DiskException {
        ByteBuffer view = out;
        if (view == null || flushed == position) {
            return;
        }
        // A last block that was not full is written again, so that every write starts at an aligned offset.
        long from = flushed - flushed % alignment;
        view.limit((int) (position - base)).position((int) (from - base));
        file.write(from, view);
        flushed = position;
    }

    private void passThrough(ByteBuffer source) throws DiskException {
        int head = (int) ((alignment - position % alignment) % alignment);
        if (source.alignmentOffset(source.position() + head, alignment) != 0) {
            return;
        }
        int direct = source.remaining() - head;
        direct -= direct % alignment;
        if (direct < bufferBytes) {
            return;
        }
        if (head > 0) {
            ByteBuffer room = room();
            room.put(room.position(), source, source.position(), head);
            source.position(source.position() + head);
            position += head;
        }
        writeOut();
        int limit = source.limit();
        int end = source.position() + direct;
        file.write(position, source.limit(end));
        source.limit(limit).position(end);
        position += direct;
        recycle();
    }

    private void begin(String operation, long length) throws DiskException {
        if (sealed) {
            throw new IllegalStateException(operation + ": the writer of " + file.path() + " is sealed");
        }
        if (writing) {
            DiskException first = failure;
            throw new DiskException(
                    first != null && first.kind() == DiskException.Kind.FATAL
                            ? DiskException.Kind.FATAL
                            : DiskException.Kind.WRONG_STATE,
                    operation,
                    file.path().toString(),
                    published,
                    length,
                    "nothing can be appended any more since an earlier write failed"
                            + (first == null ? "" : ": " + first.getMessage()));
        }
        writing = true;
    }

    private void end() {
        published = position;
        writing = false;
    }

    private DiskException poison(DiskException cause) {
        failure = cause;
        return cause;
    }
}
