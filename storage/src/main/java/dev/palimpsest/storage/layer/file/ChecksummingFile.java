package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A file that is written from block 1 on, in order, and the CRC-32C of each of its blocks as it passes. What was written may
 * be written again in the same form, as a buffered writer does with a last block that was not full.
 */
final class ChecksummingFile implements WritableFile {
    private final WritableFile file;
    private final WriteBack writeBack;
    private final CRC32C crc = new CRC32C();
    private int[] sums = new int[64];
    private int blocks;
    /** Up to where checksums include the file's bytes. */
    private long end = Block.SIZE;

    ChecksummingFile(WritableFile file, WriteBack writeBack) {
        this.file = file;
        this.writeBack = writeBack;
    }

    @Override
    public void write(long offset, ByteBuffer source) throws DiskException {
        if (offset > end || offset < Block.SIZE) {
            throw new IllegalStateException("written at " + offset + ", the end is at " + end);
        }
        ByteBuffer passing = source.duplicate();
        file.write(offset, source);
        writeBack.wrote(offset + passing.remaining());
        int known = (int) Math.min(end - offset, passing.remaining());
        passing.position(passing.position() + known);
        int limit = passing.limit();
        while (passing.position() < limit) {
            int length = (int) Math.min(Block.SIZE - end % Block.SIZE, limit - passing.position());
            crc.update(passing.limit(passing.position() + length));
            end += length;
            if (end % Block.SIZE == 0) {
                add((int) crc.getValue());
                crc.reset();
            }
        }
    }

    private void add(int sum) {
        if (blocks == sums.length) {
            sums = Arrays.copyOf(sums, 2 * blocks);
        }
        sums[blocks++] = sum;
    }

    /** The checksums of all blocks that are complete, from block 1 on, and room for {@code more}. */
    int[] sums(int more) {
        return Arrays.copyOf(sums, blocks + more);
    }

    @Override
    public void sync() throws DiskException {
        file.sync();
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public long size() throws DiskException {
        return file.size();
    }

    @Override
    public int read(long offset, ByteBuffer target) throws DiskException {
        return file.read(offset, target);
    }

    @Override
    public void close() throws DiskException {
        file.close();
    }
}
