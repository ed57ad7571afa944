package dev.palimpsest.testkit.s3;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** The head of an HTTP/1.1 request or answer, byte for byte, and how its body is delimited. */
final class HttpMessage {
    private static final int MAX_HEAD = 64 << 10;
    private static final int MAX_CHUNK_LINE = 100;
    private static final int BUFFER = 64 << 10;
    private static final int HEXADECIMAL = 16;

    private final String head;

    private HttpMessage(String head) {
        this.head = head;
    }

    /** Reads a head; empty if the connection ends before it. */
    static Optional<HttpMessage> read(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                if (head.isEmpty()) {
                    return Optional.empty();
                }
                throw new EOFException("the connection ends within a head");
            }
            if (head.length() == MAX_HEAD) {
                throw new IOException("a head of more than " + MAX_HEAD + " bytes");
            }
            head.append((char) next);
        }
        return Optional.of(new HttpMessage(head.toString()));
    }

    void writeHead(OutputStream out) throws IOException {
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    /** The value of a header in lower case; empty if there is none. */
    String header(String name) {
        for (String line : head.split("\r\n", -1)) {
            if (line.toLowerCase(Locale.ROOT).startsWith(name + ":")) {
                return line.substring(name.length() + 1).strip().toLowerCase(Locale.ROOT);
            }
        }
        return "";
    }

    boolean isHeadRequest() {
        return head.startsWith("HEAD ");
    }

    /** The status of an answer. */
    int status() {
        return Integer.parseInt(head.substring(head.indexOf(' ') + 1, head.indexOf(' ') + 4));
    }

    private boolean isChunked() {
        return header("transfer-encoding").equals("chunked");
    }

    private long contentLength() {
        String length = header("content-length");
        return length.isEmpty() ? 0 : Long.parseLong(length);
    }

    /** Copies the body to its end. */
    void copyBody(InputStream in, OutputStream out) throws IOException {
        if (isChunked()) {
            while (copyChunk(in, out) > 0) {
                out.flush();
            }
        } else {
            copy(in, out, contentLength());
        }
        out.flush();
    }

    /** Copies about half of the body; of one in chunks, the first of them. */
    void copyHalf(InputStream in, OutputStream out) throws IOException {
        if (isChunked()) {
            copyChunk(in, out);
        } else {
            copy(in, out, contentLength() / 2);
        }
        out.flush();
    }

    private static long copyChunk(InputStream in, OutputStream out) throws IOException {
        StringBuilder line = new StringBuilder();
        while (line.length() < 2 || !line.substring(line.length() - 2).equals("\r\n")) {
            int next = in.read();
            if (next < 0 || line.length() == MAX_CHUNK_LINE) {
                throw new EOFException("the connection ends within a body in chunks");
            }
            line.append((char) next);
        }
        out.write(line.toString().getBytes(StandardCharsets.ISO_8859_1));
        long length = Long.parseLong(line.toString().split("[;\r]", -1)[0], HEXADECIMAL);
        copy(in, out, length + 2);
        return length;
    }

    private static void copy(InputStream in, OutputStream out, long length) throws IOException {
        byte[] buffer = new byte[(int) Math.min(length, BUFFER)];
        for (long left = length; left > 0; ) {
            int count = in.read(buffer, 0, (int) Math.min(left, buffer.length));
            if (count < 0) {
                throw new EOFException("the connection ends within a body");
            }
            out.write(buffer, 0, count);
            left -= count;
        }
    }
}
