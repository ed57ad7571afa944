package dev.palimpsest.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * Answers each request of {@link PageClient} with the same page, with sockets, threads and buffers as the page service has them:
 * what is left of serving pages if reading them takes no time.
 */
final class PageEcho implements AutoCloseable {
    private static final int REQUESTS_SIZE = 8 << 10;
    private static final int REPLIES_SIZE = 72 << 10;
    private static final byte PAGE_REPLY = 102;

    private final ServerSocket listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    private final Thread accepting = Thread.ofPlatform().daemon().name("echo").unstarted(this::accept);

    PageEcho() throws IOException {
        accepting.start();
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                Thread.ofPlatform().daemon().start(() -> serve(socket));
            } catch (IOException e) {
                if (!listener.isClosed()) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private static void serve(Socket socket) {
        byte[] requests = new byte[REQUESTS_SIZE];
        byte[] replies = new byte[REPLIES_SIZE];
        byte[] page = new byte[PageClient.REPLY_SIZE];
        page[0] = 'd';
        page[5] = PAGE_REPLY;
        try (socket) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            int pending = 0;
            for (int read = in.read(requests); read >= 0; read = in.read(requests)) {
                pending += read;
                int size = 0;
                for (; pending >= PageClient.REQUEST_SIZE; pending -= PageClient.REQUEST_SIZE) {
                    if (size + page.length > replies.length) {
                        out.write(replies, 0, size);
                        size = 0;
                    }
                    System.arraycopy(page, 0, replies, size, page.length);
                    size += page.length;
                }
                out.write(replies, 0, size);
            }
        } catch (IOException e) {
            // The client has gone, which is how it ends.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
