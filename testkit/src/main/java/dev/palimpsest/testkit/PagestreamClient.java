package dev.palimpsest.testkit;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A client of a page service: connects, gives one command, and then sends requests and reads replies when it is told to, so
 * that a test has in its hand what is on its way. Used by one thread, or by one that sends and one that reads.
 */
public final class PagestreamClient implements Closeable {
    /** The request LSN that stands for the newest. */
    public static final long LATEST = -1L;

    private static final int PROTOCOL = 3 << 16;
    private static final int BUFFER_SIZE = 1 << 16;

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private int version;
    private long lastNumber;

    /** A message of the server: its type, and what comes after the length. */
    public record Message(char type, byte[] body) {
        /** The text of an ErrorResponse, or of whatever field begins with {@code M}. */
        public String errorMessage() {
            for (String field : new String(body, StandardCharsets.UTF_8).split("\0")) {
                if (field.startsWith("M")) {
                    return field.substring(1);
                }
            }
            return "";
        }

        /** The SQLSTATE of an ErrorResponse. */
        public String sqlState() {
            for (String field : new String(body, StandardCharsets.UTF_8).split("\0")) {
                if (field.startsWith("C")) {
                    return field.substring(1);
                }
            }
            return "";
        }
    }

    /** Connects and starts up, without a password. */
    public PagestreamClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream(), BUFFER_SIZE));
        out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), BUFFER_SIZE));
        byte[] parameters = "user\0test\0application_name\0testkit\0\0".getBytes(StandardCharsets.UTF_8);
        out.writeInt(8 + parameters.length);
        out.writeInt(PROTOCOL);
        out.write(parameters);
        out.flush();
        for (Message message = read(); message.type() != 'Z'; message = read()) {
            if (message.type() == 'E') {
                throw new IOException(message.errorMessage());
            }
        }
    }

    /** Sends a query, without waiting for what comes of it. */
    public void query(String text) throws IOException {
        send('Q', (text + "\0").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /**
     * Begins a pagestream.
     *
     * @param protocol 2 or 3
     */
    public void open(int protocol, String tenant, String timeline) throws IOException {
        version = protocol;
        query("pagestream_v" + protocol + " " + tenant + " " + timeline);
        Message reply = read();
        if (reply.type() != 'W') {
            throw new IOException("no pagestream: " + reply.errorMessage());
        }
    }

    private ByteBuffer request(int tag, long requestLsn, long notModifiedSince, int bodySize) {
        ByteBuffer request =
                ByteBuffer.allocate((version == 3 ? 25 : 17) + bodySize).put((byte) tag);
        if (version == 3) {
            request.putLong(++lastNumber);
        }
        return request.putLong(requestLsn).putLong(notModifiedSince);
    }

    private static ByteBuffer fork(ByteBuffer request, int spc, int db, int rel, int fork) {
        return request.putInt(spc).putInt(db).putInt(rel).put((byte) fork);
    }

    /** Asks whether a fork exists; 0 or 1 is in the last byte of the reply. */
    public void exists(long requestLsn, long notModifiedSince, int spc, int db, int rel, int fork) throws IOException {
        data(fork(request(0, requestLsn, notModifiedSince, 13), spc, db, rel, fork));
    }

    /** Asks for the length of a fork. */
    public void nblocks(long requestLsn, long notModifiedSince, int spc, int db, int rel, int fork) throws IOException {
        data(fork(request(1, requestLsn, notModifiedSince, 13), spc, db, rel, fork));
    }

    /** Asks for a page. */
    public void page(long requestLsn, long notModifiedSince, int spc, int db, int rel, int fork, int block)
            throws IOException {
        data(fork(request(2, requestLsn, notModifiedSince, 17), spc, db, rel, fork)
                .putInt(block));
    }

    /** Asks for the size of a database. */
    public void databaseSize(long requestLsn, long notModifiedSince, int db) throws IOException {
        data(request(3, requestLsn, notModifiedSince, 4).putInt(db));
    }

    /** Asks for an SLRU segment. */
    public void slruSegment(long requestLsn, long notModifiedSince, int kind, int segment) throws IOException {
        data(request(4, requestLsn, notModifiedSince, 5).put((byte) kind).putInt(segment));
    }

    /** Sends a CopyData with any content: all from the buffer's start to its limit. */
    public void data(ByteBuffer content) throws IOException {
        byte[] bytes = new byte[content.limit()];
        content.get(0, bytes);
        send('d', bytes);
    }

    /** Puts any message among what is to be sent. */
    public void send(char type, byte[] body) throws IOException {
        out.writeByte(type);
        out.writeInt(4 + body.length);
        out.write(body);
    }

    /** Puts any bytes among what is to be sent. */
    public void raw(byte[] bytes) throws IOException {
        out.write(bytes);
    }

    /** Sends what was asked so far. */
    public void flush() throws IOException {
        out.flush();
    }

    /**
     * Reads the next message.
     *
     * @throws EOFException if the server has ended the connection
     */
    public Message read() throws IOException {
        char type = (char) in.readUnsignedByte();
        byte[] body = new byte[in.readInt() - 4];
        in.readFully(body);
        return new Message(type, body);
    }

    /**
     * Reads the reply to a request.
     *
     * @return what is in the CopyData
     * @throws IOException if something else comes, with the server's message if it is an error
     */
    public ByteBuffer reply() throws IOException {
        Message message = read();
        if (message.type() != 'd') {
            throw new IOException("no reply but " + message.type() + ": " + message.errorMessage());
        }
        return ByteBuffer.wrap(message.body());
    }

    /** How many bytes of a reply come before what belongs to its kind alone, but for what was asked. */
    public int headerSize() {
        return version == 3 ? 25 : 1;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
