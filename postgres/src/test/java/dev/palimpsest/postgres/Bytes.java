package dev.palimpsest.postgres;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Little-endian values as bytes, for tests. */
public final class Bytes {
    private Bytes() {}

    public static byte[] u8s(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    public static byte[] u16s(int... values) {
        byte[] bytes = new byte[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putU16(bytes, 2 * i, values[i]);
        }
        return bytes;
    }

    public static byte[] i32s(int... values) {
        byte[] bytes = new byte[4 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putI32(bytes, 4 * i, values[i]);
        }
        return bytes;
    }

    /** Values as {@code form} says: b 1 byte, h 2, i 4. */
    public static byte[] le(String form, int... values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < values.length; i++) {
            int size = form.charAt(i) == 'b' ? 1 : form.charAt(i) == 'h' ? 2 : 4;
            out.write(i32s(values[i]), 0, size);
        }
        return out.toByteArray();
    }

    public static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /** A little-endian buffer of so many bytes, all 0. */
    public static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
