package dev.palimpsest.storage.s3;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Takes connections, and what fits in their buffers, and answers nothing. */
final class SilentServer implements AutoCloseable {
    private final ServerSocket listener;
    private final Map<Socket, Boolean> connections = new ConcurrentHashMap<>();

    SilentServer() {
        try {
            listener = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    private void accept() {
        try {
            while (true) {
                connections.put(listener.accept(), true);
            }
        } catch (IOException e) {
            // closed
        }
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + listener.getLocalPort());
    }

    /** How many connections there were. */
    int connections() {
        return connections.size();
    }

    /** Reads every connection to its end, which comes only if the client closes it. */
    void readToTheEnd() {
        for (Socket connection : connections.keySet()) {
            try {
                connection.getInputStream().transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                // reset is an end too
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket connection : connections.keySet()) {
            connection.close();
        }
    }
}
