package dev.palimpsest.postgres;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Integers in a byte array as PostgreSQL writes them on the platforms this project serves: little-endian, at any
 * alignment. Callers have checked their bounds: an offset outside the array throws {@link IndexOutOfBoundsException}.
 */
public final class LittleEndian {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private LittleEndian() {}

    /** The unsigned 16-bit integer at {@code offset}: 0 to 65535. */
    public static int u16(byte[] bytes, int offset) {
        return (short) SHORT.get(bytes, offset) & 0xFFFF;
    }

    /** The 32-bit integer at {@code offset}; whether it is unsigned is for the caller to know. */
    public static int i32(byte[] bytes, int offset) {
        return (int) INT.get(bytes, offset);
    }

    /** The 64-bit integer at {@code offset}; whether it is unsigned is for the caller to know. */
    public static long i64(byte[] bytes, int offset) {
        return (long) LONG.get(bytes, offset);
    }

    /** Writes the low 16 bits of {@code value}. */
    public static void putU16(byte[] bytes, int offset, int value) {
        SHORT.set(bytes, offset, (short) value);
    }

    /** Writes 32 bits. */
    public static void putI32(byte[] bytes, int offset, int value) {
        INT.set(bytes, offset, value);
    }

    /** Writes 64 bits. */
    public static void putI64(byte[] bytes, int offset, long value) {
        LONG.set(bytes, offset, value);
    }
}
