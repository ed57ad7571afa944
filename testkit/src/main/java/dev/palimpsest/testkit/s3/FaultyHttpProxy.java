package dev.palimpsest.testkit.s3;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands before an HTTP/1.1 server and does to its requests what networks and servers do: see {@link HttpFaults}. What is done
 * to the n-th request is drawn from the seed; which request is the n-th is up to those who send them. What is not broken
 * passes byte for byte, so signatures stay valid.
 */
public final class FaultyHttpProxy implements AutoCloseable {
    private final InetSocketAddress server;
    private final ServerSocket listener;
    private final SplittableRandom random;
    private final Map<Fault, Long> counts = new EnumMap<>(Fault.class);
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile HttpFaults faults = HttpFaults.NONE;
    private volatile boolean closed;

    /** What may be done to a request. */
    public enum Fault {
        /** Nothing. */
        NONE,
        /** Answered with an error that the server knows nothing of. */
        ERROR,
        /** Cut within its body. */
        CUT_REQUEST,
        /** Cut within the answer's body. */
        CUT_ANSWER,
        /** Done, but never answered. */
        LOST_ANSWER,
        /** Let wait. */
        DELAY
    }

    private record Draw(Fault fault, double size) {}

    private FaultyHttpProxy(InetSocketAddress server, ServerSocket listener, long seed) {
        this.server = server;
        this.listener = listener;
        this.random = new SplittableRandom(seed);
    }

    /** Starts one that listens on a free port of 127.0.0.1 and breaks nothing yet. */
    public static FaultyHttpProxy start(InetSocketAddress server, long seed) throws IOException {
        ServerSocket listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        FaultyHttpProxy proxy = new FaultyHttpProxy(server, listener, seed);
        Thread.ofVirtual().name("faulty proxy").start(proxy::accept);
        return proxy;
    }

    /** Its URL. */
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + listener.getLocalPort());
    }

    /** From now on requests are broken like this. */
    public void misbehave(HttpFaults faults) {
        this.faults = faults;
    }

    /** How many requests this was done to. */
    public long count(Fault fault) {
        synchronized (counts) {
            return counts.getOrDefault(fault, 0L);
        }
    }

    private void accept() {
        while (!closed) {
            try {
                Socket client = listener.accept();
                sockets.add(client);
                Thread.ofVirtual().name("faulty proxy connection").start(() -> serve(client));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket upstream = new Socket(server.getAddress(), server.getPort())) {
            sockets.add(upstream);
            try {
                client.setTcpNoDelay(true);
                upstream.setTcpNoDelay(true);
                Connection connection = new Connection(
                        new BufferedInputStream(client.getInputStream()),
                        new BufferedOutputStream(client.getOutputStream()),
                        new BufferedInputStream(upstream.getInputStream()),
                        new BufferedOutputStream(upstream.getOutputStream()));
                while (!closed && pass(connection)) {}
            } finally {
                sockets.remove(upstream);
            }
        } catch (IOException e) {
            // One of the two has gone; closing both tells the other.
        } finally {
            sockets.remove(client);
        }
    }

    private record Connection(
            InputStream fromClient, OutputStream toClient, InputStream fromServer, OutputStream toServer) {}

    private Draw draw() {
        HttpFaults now = faults;
        synchronized (counts) {
            double what = random.nextDouble();
            double size = random.nextDouble();
            Map<Fault, Double> rates = new EnumMap<>(Map.of(
                    Fault.ERROR, now.errors(),
                    Fault.CUT_REQUEST, now.cutRequests(),
                    Fault.CUT_ANSWER, now.cutAnswers(),
                    Fault.LOST_ANSWER, now.lostAnswers(),
                    Fault.DELAY, now.delays()));
            Fault fault = Fault.NONE;
            for (Map.Entry<Fault, Double> rate : rates.entrySet()) {
                what -= rate.getValue();
                if (what < 0) {
                    fault = rate.getKey();
                    break;
                }
            }
            counts.merge(fault, 1L, Long::sum);
            return new Draw(fault, size);
        }
    }

    /**
     * Passes one request and its answer, with what is drawn for it.
     *
     * @return whether the connection goes on
     */
    private boolean pass(Connection connection) throws IOException {
        Optional<HttpMessage> found = HttpMessage.read(connection.fromClient());
        if (found.isEmpty()) {
            return false;
        }
        HttpMessage request = found.get();
        Draw draw = draw();
        switch (draw.fault()) {
            case ERROR -> {
                return fail(connection, request, draw.size());
            }
            case CUT_REQUEST -> {
                request.writeHead(connection.toServer());
                if (continues(connection, request)) {
                    request.copyHalf(connection.fromClient(), connection.toServer());
                }
                return false;
            }
            case DELAY -> LockSupport.parkNanos((long) (faults.longestDelay().toNanos() * draw.size()));
            case NONE, CUT_ANSWER, LOST_ANSWER -> {}
        }
        request.writeHead(connection.toServer());
        if (!continues(connection, request)) {
            return false;
        }
        request.copyBody(connection.fromClient(), connection.toServer());
        HttpMessage answer = HttpMessage.read(connection.fromServer()).orElseThrow(() -> new IOException("no answer"));
        return answer(connection, request, answer, draw.fault());
    }

    /** Passes on whether the server wants the body of a request that asks first. */
    private static boolean continues(Connection connection, HttpMessage request) throws IOException {
        if (!request.header("expect").equals("100-continue")) {
            return true;
        }
        HttpMessage interim = HttpMessage.read(connection.fromServer()).orElseThrow(() -> new IOException("no answer"));
        interim.writeHead(connection.toClient());
        if (interim.status() == 100) {
            return true;
        }
        interim.copyBody(connection.fromServer(), connection.toClient());
        return false;
    }

    private static boolean answer(Connection connection, HttpMessage request, HttpMessage answer, Fault fault)
            throws IOException {
        boolean hasBody = !request.isHeadRequest() && answer.status() != 204 && answer.status() != 304;
        if (fault == Fault.LOST_ANSWER) {
            if (hasBody) {
                answer.copyBody(connection.fromServer(), OutputStream.nullOutputStream());
            }
            return false;
        }
        answer.writeHead(connection.toClient());
        if (fault == Fault.CUT_ANSWER) {
            if (hasBody) {
                answer.copyHalf(connection.fromServer(), connection.toClient());
            }
            return false;
        }
        if (hasBody) {
            answer.copyBody(connection.fromServer(), connection.toClient());
        }
        return !answer.header("connection").equals("close");
    }

    private static boolean fail(Connection connection, HttpMessage request, double which) throws IOException {
        boolean asksFirst = request.header("expect").equals("100-continue");
        if (!asksFirst) {
            request.copyBody(connection.fromClient(), OutputStream.nullOutputStream());
        }
        String status = which < 0.5 ? "500 Internal Server Error" : "503 Service Unavailable";
        String code = which < 0.5 ? "InternalError" : "SlowDown";
        String body = request.isHeadRequest()
                ? ""
                : "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code
                        + "</Code><Message>by the faulty proxy" + "</Message></Error>";
        String head = "HTTP/1.1 " + status + "\r\nContent-Type: application/xml\r\nContent-Length: " + body.length()
                + (asksFirst ? "\r\nConnection: close" : "") + "\r\n\r\n";
        connection.toClient().write((head + body).getBytes(StandardCharsets.US_ASCII));
        connection.toClient().flush();
        return !asksFirst;
    }

    /** Ends all connections. */
    @Override
    public void close() throws IOException {
        closed = true;
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
