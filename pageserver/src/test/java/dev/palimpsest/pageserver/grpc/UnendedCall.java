package dev.palimpsest.pageserver.grpc;

import io.grpc.Metadata;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A call of which only the headers are sent, in frames of HTTP/2 (RFC 9113) with headers that are literals (RFC 7541, 6.2.2): gRPC's
 * own client sends nothing of a call with one message before it is ended.
 */
final class UnendedCall implements AutoCloseable {
    private static final int STREAM = 1;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int GOAWAY = 7;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;

    private final Socket socket;
    private final DataOutputStream out;
    private final DataInputStream in;

    UnendedCall(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        out = new DataOutputStream(socket.getOutputStream());
        in = new DataInputStream(socket.getInputStream());
        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        send(SETTINGS, 0, 0, new byte[0]);
    }

    private void send(int type, int flags, int stream, byte[] content) throws IOException {
        out.writeByte(content.length >> 16);
        out.writeShort(content.length);
        out.writeByte(type);
        out.writeByte(flags);
        out.writeInt(stream);
        out.write(content);
        out.flush();
    }

    /** Sends the headers of a call of a method. */
    void begin(String method, Metadata metadata) throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        header(block, ":method", "POST");
        header(block, ":scheme", "http");
        header(block, ":path", "/" + method);
        header(block, ":authority", "localhost");
        header(block, "te", "trailers");
        header(block, "content-type", "application/grpc");
        for (String name : metadata.keys()) {
            header(
                    block,
                    name,
                    String.valueOf(metadata.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER))));
        }
        send(HEADERS, END_HEADERS, STREAM, block.toByteArray());
    }

    private static void header(ByteArrayOutputStream block, String name, String value) {
        block.write(0);
        for (String text : new String[] {name, value}) {
            if (text.length() > 126) {
                throw new IllegalArgumentException("its length takes more than a byte: " + text);
            }
            block.write(text.length());
            block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Waits until the server has ended the call, or the connection; false if it does not within so long from its last frame on. */
    boolean isEnded(Duration patience) throws IOException {
        socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
        try {
            while (true) {
                int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
                int type = in.readUnsignedByte();
                int flags = in.readUnsignedByte();
                int stream = in.readInt();
                in.skipNBytes(length);
                boolean isLast = type == RST_STREAM || (type == HEADERS && (flags & END_STREAM) != 0);
                if (type == GOAWAY || (stream == STREAM && isLast)) {
                    return true;
                }
                if (type == SETTINGS && flags == 0) {
                    send(SETTINGS, 1, 0, new byte[0]);
                }
            }
        } catch (SocketTimeoutException e) {
            return false;
        } catch (EOFException | SocketException e) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
