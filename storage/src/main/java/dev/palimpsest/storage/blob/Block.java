package dev.palimpsest.storage.blob;

/**
 * 8192 bytes of a file that is never written again. Shared by everybody who reads the block. Safe for use by many
 * threads.
 */
public final class Block {
    /** Bytes in a block. */
    public static final int SIZE = 8192;

    private final byte[] bytes;
    /**
     * The check that these bytes passed. Read and written without ordering: it says something of immutable bytes, so who
     * sees an old value does at worst the same check again.
     */
    private long passed;

    /** Takes ownership of {@code bytes}, which must be {@link #SIZE} long. */
    Block(byte[] bytes) {
        if (bytes.length != SIZE) {
            throw new IllegalArgumentException("a block has " + SIZE + " bytes, not " + bytes.length);
        }
        this.bytes = bytes;
    }

    /** The bytes; never to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Whether the block is remembered as having passed {@code check}. */
    public boolean hasPassed(long check) {
        return passed == check;
    }

    /**
     * Remembers that the block passed a check, so that it need not be done again while the block is in memory. Only the
     * last one is remembered.
     *
     * @param check a number for the check and its parameters, not 0
     */
    public void pass(long check) {
        passed = check;
    }
}
