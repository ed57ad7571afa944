package dev.palimpsest.storage.value;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;

/** What must hold of any bytes given to {@link ValueCodec}. */
final class ValueCodecProbe {
    private ValueCodecProbe() {}

    /**
     * Whether the bytes are a value. Fails unless the codec says so by a value or a {@link CorruptionException}; a value
     * must give the same bytes again, and the peek must agree with it.
     */
    static boolean decodes(byte[] bytes) {
        Value value;
        try {
            value = ValueCodec.decode(ByteBuffer.wrap(bytes), "value", 0);
        } catch (CorruptionException e) {
            assertThat(e.offset()).isBetween(0L, (long) bytes.length);
            peek(bytes);
            return false;
        }
        ByteBuffer again = ByteBuffer.allocate(ValueCodec.encodedSize(value));
        ValueCodec.encode(value, again);
        assertThat(again.array()).isEqualTo(bytes);
        assertThat(peek(bytes)).isEqualTo(value.willInit() ? "true" : "false");
        return true;
    }

    private static String peek(byte[] bytes) {
        try {
            return ValueCodec.willInit(ByteBuffer.wrap(bytes), "value", 0) ? "true" : "false";
        } catch (CorruptionException e) {
            return "corrupt";
        }
    }
}
