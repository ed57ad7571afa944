package dev.palimpsest.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.ObjLongConsumer;

/** A client of a page service, or of {@link PageEcho}, that asks for pages and does nothing with them. For one thread. */
final class PageClient implements PageReader {
    /** Bytes of a request, with its frame. */
    static final int REQUEST_SIZE = 47;
    /** Bytes of a reply with a page, with its frame. */
    static final int REPLY_SIZE = 8239;

    private static final int PAGE_REPLY = 102;
    private static final int ERROR_REPLY = 103;
    private static final int BUFFER_SIZE = 1 << 17;
    private static final long LATEST = -1L;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final byte[] received = new byte[BUFFER_SIZE];
    private int start;
    private int end;
    private final ByteBuffer requests = ByteBuffer.allocate(BUFFER_SIZE);
    private long number;

    /** What is read: a fork of a relation. */
    record Relation(int spcNode, int dbNode, int relNode) {
        /** @param path as PostgreSQL says it, relative to the data directory, in the default tablespace */
        static Relation parse(String path) {
            String[] parts = path.split("/");
            return new Relation(1663, Integer.parseUnsignedInt(parts[1]), Integer.parseUnsignedInt(parts[2]));
        }
    }

    private PageClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    /** Connects to an echo. */
    static PageClient ofEcho(int port) throws IOException {
        return new PageClient(port);
    }

    /** Connects to a page service and logs in. */
    static PageClient of(int port) throws IOException {
        PageClient client = new PageClient(port);
        byte[] parameters = "user\0bench\0\0".getBytes(StandardCharsets.UTF_8);
        client.requests.putInt(8 + parameters.length).putInt(3 << 16).put(parameters);
        client.flush();
        while (client.message() != 'Z') {
            // What is said before that is of no interest.
        }
        return client;
    }

    /** Begins a pagestream of version 3. */
    void stream(String tenant, String timeline) throws IOException {
        query("pagestream_v3 " + tenant + " " + timeline);
        if (message() != 'W') {
            throw new IOException("no pagestream: " + text());
        }
    }

    /** Gives a command whose result is a COPY, and passes on what comes; the bytes are at the start of the array. */
    long copy(String command, ObjLongConsumer<byte[]> target) throws IOException {
        query(command);
        long bytes = 0;
        for (int type = message(); type != 'Z'; type = message()) {
            switch (type) {
                case 'd' -> {
                    target.accept(body, bodyLength);
                    bytes += bodyLength;
                }
                case 'E' -> throw new IOException(command + ": " + text());
                default -> {}
            }
        }
        return bytes;
    }

    private byte[] body = new byte[1 << 16];
    private int bodyLength;

    private String text() {
        return new String(body, 0, bodyLength, StandardCharsets.UTF_8);
    }

    private void query(String query) throws IOException {
        byte[] text = (query + "\0").getBytes(StandardCharsets.UTF_8);
        requests.put((byte) 'Q').putInt(4 + text.length).put(text);
        flush();
    }

    /** Reads a message; its type. */
    private int message() throws IOException {
        fill(5);
        ByteBuffer header = ByteBuffer.wrap(received, start, 5);
        int type = header.get();
        bodyLength = header.getInt() - 4;
        start += 5;
        if (bodyLength > body.length) {
            body = new byte[bodyLength];
        }
        int done = 0;
        while (done < bodyLength) {
            fill(1);
            int now = Math.min(bodyLength - done, end - start);
            System.arraycopy(received, start, body, done, now);
            done += now;
            start += now;
        }
        return type;
    }

    private void fill(int count) throws IOException {
        if (start == end) {
            start = 0;
            end = 0;
        } else if (start + count > received.length) {
            System.arraycopy(received, start, received, 0, end - start);
            end -= start;
            start = 0;
        }
        while (end - start < count) {
            int read = in.read(received, end, received.length - end);
            if (read < 0) {
                throw new EOFException("the server has ended the connection");
            }
            end += read;
        }
    }

    @Override
    public void ask(Relation relation, int block) {
        requests.put((byte) 'd')
                .putInt(REQUEST_SIZE - 1)
                .put((byte) 2)
                .putLong(++number)
                .putLong(LATEST)
                .putLong(0);
        requests.putInt(relation.spcNode)
                .putInt(relation.dbNode)
                .putInt(relation.relNode)
                .put((byte) 0)
                .putInt(block);
    }

    @Override
    public void flush() throws IOException {
        out.write(requests.array(), 0, requests.position());
        requests.clear();
    }

    @Override
    public boolean hasReply() {
        return end - start >= REPLY_SIZE;
    }

    @Override
    public void page() throws IOException {
        fill(6);
        int tag = received[start + 5];
        if (tag != PAGE_REPLY) {
            message();
            throw new IOException(tag == ERROR_REPLY ? "no page: " + text() : "no page but " + tag);
        }
        fill(REPLY_SIZE);
        start += REPLY_SIZE;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
