package dev.palimpsest.postgres.protocol;

/** Puts a message together. */
final class Framing {
    private Framing() {}

    /** A byte of type, a big-endian i32 length that counts itself and the parts, and the parts. */
    static byte[] message(byte type, byte[]... parts) {
        int size = BackendMessage.HEADER_SIZE;
        for (byte[] part : parts) {
            size += part.length;
        }
        byte[] message = new byte[size];
        message[0] = type;
        BigEndian.putInt32(message, 1, size - 1);
        int at = BackendMessage.HEADER_SIZE;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, message, at, part.length);
            at += part.length;
        }
        return message;
    }
}
