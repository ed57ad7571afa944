package dev.palimpsest.pageserver.upstream;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server that follows a script, on every connection the same, so that it can say what no PostgreSQL would. */
final class FakeServer implements AutoCloseable {
    /** What it does with a connection. */
    interface Script {
        void run(Conversation conversation) throws IOException;
    }

    private final ServerSocket socket;
    private final Script script;
    private final CopyOnWriteArrayList<Socket> connections = new CopyOnWriteArrayList<>();

    FakeServer(Script script) throws IOException {
        this.socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        this.script = script;
        Thread.ofVirtual().start(this::accept);
    }

    private void accept() {
        try {
            while (true) {
                Socket connection = socket.accept();
                connections.add(connection);
                Thread.ofVirtual().start(() -> {
                    try (connection) {
                        script.run(new Conversation(connection));
                    } catch (IOException e) {
                        // The client has gone, as it should.
                    }
                });
            }
        } catch (IOException e) {
            // closed
        }
    }

    ConnectionSettings settings() {
        return ConnectionSettings.parse(
                "host=127.0.0.1 sslmode=disable connect_timeout=2 user=u password=p port=" + socket.getLocalPort(),
                Map.of());
    }

    @Override
    public void close() throws IOException {
        socket.close();
        for (Socket connection : connections) {
            connection.close();
        }
    }

    /** One connection, from the server's side. */
    static final class Conversation {
        private final DataInputStream in;
        final DataOutputStream out;

        private Conversation(Socket connection) throws IOException {
            in = new DataInputStream(connection.getInputStream());
            out = new DataOutputStream(connection.getOutputStream());
        }

        /** Lets the client in. */
        void login() throws IOException {
            takeStartup();
            send('R', ints(0));
            send('S', bytes("server_version\0" + "17.1\0"));
            send('S', bytes("in_hot_standby\0off\0"));
            send('Z', bytes("I"));
        }

        void takeStartup() throws IOException {
            in.readNBytes(in.readInt() - 4);
        }

        /** The body of the client's next message. */
        String take() throws IOException {
            in.readByte();
            return new String(in.readNBytes(in.readInt() - 4), StandardCharsets.UTF_8);
        }

        void send(char type, byte[]... parts) throws IOException {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            for (byte[] part : parts) {
                body.writeBytes(part);
            }
            out.writeByte(type);
            out.writeInt(4 + body.size());
            out.write(body.toByteArray());
            out.flush();
        }

        void error(String severity, String sqlState, String message) throws IOException {
            send('E', bytes("S" + severity + "\0V" + severity + "\0C" + sqlState + "\0M" + message + "\0\0"));
        }

        void row(String... columns) throws IOException {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            DataOutputStream data = new DataOutputStream(body);
            data.writeShort(columns.length);
            for (String column : columns) {
                byte[] value = bytes(column);
                data.writeInt(value.length);
                data.write(value);
            }
            send('D', body.toByteArray());
        }

        /** Takes START_REPLICATION and begins to stream. */
        void startStreaming() throws IOException {
            take();
            send('W', new byte[] {0, 0, 0});
        }

        void wal(long start, int length) throws IOException {
            send('d', bytes("w"), longs(start, start + length, 7), new byte[length]);
        }

        /** Does nothing until the client hangs up. */
        void idle() throws IOException {
            while (in.read() >= 0) {
                // whatever it says
            }
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] ints(int... values) {
        ByteBuffer buffer = ByteBuffer.allocate(4 * values.length);
        for (int value : values) {
            buffer.putInt(value);
        }
        return buffer.array();
    }

    static byte[] longs(long... values) {
        ByteBuffer buffer = ByteBuffer.allocate(8 * values.length);
        for (long value : values) {
            buffer.putLong(value);
        }
        return buffer.array();
    }
}
