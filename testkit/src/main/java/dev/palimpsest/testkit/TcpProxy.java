package dev.palimpsest.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Passes connections on to a port of this machine, and cuts or holds them when told to. While it is cut off it closes every
 * new connection at once. Safe for use by many threads.
 */
public final class TcpProxy implements AutoCloseable {
    private static final int BUFFER = 1 << 14;

    private final ServerSocket listener;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicLong left = new AtomicLong(Long.MAX_VALUE);
    private volatile boolean cutOff;
    private volatile CountDownLatch cut = new CountDownLatch(1);
    private volatile boolean holds;
    private volatile CountDownLatch held = new CountDownLatch(1);
    private volatile CountDownLatch released = new CountDownLatch(0);

    private TcpProxy(ServerSocket listener, int target) {
        this.listener = listener;
        this.target = target;
    }

    /** Listens on a free port of the loopback address. */
    public static TcpProxy to(int port) throws IOException {
        TcpProxy proxy = new TcpProxy(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), port);
        Thread.ofVirtual().start(proxy::accept);
        return proxy;
    }

    /** Where it listens. */
    public int port() {
        return listener.getLocalPort();
    }

    /** Cuts everything off once so many bytes more have come back from the target, over all connections together. */
    public void cutOffAfter(long bytes) {
        left.set(bytes);
    }

    /**
     * Passes nothing more on, in connections that stay open, once so many bytes more have come back from the target, over all
     * connections together.
     */
    public void holdAfter(long bytes) {
        held = new CountDownLatch(1);
        released = new CountDownLatch(1);
        holds = true;
        left.set(bytes);
    }

    /** Waits until it passes nothing more on. */
    public void awaitHold() throws InterruptedException {
        held.await();
    }

    /** Waits until it has cut off. */
    public void awaitCut() throws InterruptedException {
        cut.await();
    }

    /** Closes all connections, and every new one. */
    public void cutOff() {
        cutOff = true;
        open.forEach(TcpProxy::close);
        cut.countDown();
    }

    /** Passes connections on again. */
    public void restore() {
        left.set(Long.MAX_VALUE);
        cut = new CountDownLatch(1);
        cutOff = false;
        holds = false;
        released.countDown();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                if (cutOff) {
                    close(client);
                } else {
                    pass(client);
                }
            } catch (IOException e) {
                // Closed, or the target is not there: the client has noticed.
            }
        }
    }

    private void pass(Socket client) throws IOException {
        open.add(client);
        Socket server;
        try {
            server = new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException e) {
            close(client);
            throw e;
        }
        open.add(server);
        if (cutOff) {
            open.forEach(TcpProxy::close);
        }
        Thread.ofVirtual().start(() -> copy(client, server, false));
        Thread.ofVirtual().start(() -> copy(server, client, true));
    }

    private void copy(Socket from, Socket to, boolean counted) {
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                if (counted && left.addAndGet(-length) < 0) {
                    if (!holds) {
                        cutOff();
                        return;
                    }
                    held.countDown();
                    released.await();
                }
                out.write(buffer, 0, length);
            }
        } catch (IOException e) {
            // One side has gone; so does the other.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            close(from);
            close(to);
            open.remove(from);
            open.remove(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no more use anyway.
        }
    }

    /** Closes all connections, and takes no more. */
    @Override
    public void close() throws IOException {
        listener.close();
        released.countDown();
        cutOff();
    }
}
