package dev.palimpsest.storage.remote;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;

/** Gathers an object in an array. */
final class BytesSink implements ObjectSink {
    private final int maxSize;
    private byte[] bytes = new byte[0];

    BytesSink(int maxSize) {
        this.maxSize = maxSize;
    }

    @Override
    public void begin(ObjectInfo info, long length) throws CorruptionException {
        if (length > maxSize) {
            throw new CorruptionException(
                    info.key().value(),
                    maxSize,
                    "the object has " + length + " bytes, at most " + maxSize + " expected");
        }
        bytes = new byte[(int) length];
    }

    @Override
    public void write(long offset, ByteBuffer source) {
        source.get(bytes, (int) offset, source.remaining());
    }

    byte[] bytes() {
        return bytes;
    }
}
