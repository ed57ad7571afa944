package dev.palimpsest.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.Flow;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The body of one request, made by a thread of its own while it is sent, and not before the server asks for it. At most two
 * pieces are in memory: one that is being filled, one that is being sent. To be closed once the request ended, however it did.
 */
final class UploadBody implements HttpRequest.BodyPublisher, AutoCloseable {
    private static final int PIECE = 1 << 18;
    private static final int MAX_WANTED = 1 << 20;

    /** Writes the body. */
    @FunctionalInterface
    interface Writer {
        /** @throws IOException if it cannot be made, or {@code out} takes no more */
        void writeTo(OutputStream out) throws IOException;
    }

    private final Writer writer;
    private final Semaphore wanted = new Semaphore(0);
    private volatile boolean ended;
    private volatile @Nullable Thread making;
    private volatile @Nullable Throwable failure;

    UploadBody(Writer writer) {
        this.writer = writer;
    }

    @Override
    public long contentLength() {
        return -1;
    }

    /** A second attempt finds nothing: what was made for the first is gone. */
    @Override
    public synchronized void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
        boolean first = making == null;
        subscriber.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long count) {
                wanted.release((int) Math.min(count, MAX_WANTED));
            }

            @Override
            public void cancel() {
                end();
            }
        });
        if (first) {
            making = Thread.ofPlatform().daemon().name("upload").start(() -> make(subscriber));
        } else {
            subscriber.onError(new IOException("what was sent cannot be sent again"));
        }
    }

    private void make(Flow.Subscriber<? super ByteBuffer> subscriber) {
        try (OutputStream out = new BufferedOutputStream(new Pieces(subscriber), PIECE)) {
            writer.writeTo(out);
        } catch (NotWantedException e) {
            subscriber.onError(e);
            return;
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
            subscriber.onError(e);
            return;
        }
        subscriber.onComplete();
    }

    /** That the request ended before its body. */
    private static final class NotWantedException extends IOException {
        private static final long serialVersionUID = 1;

        NotWantedException() {
            super("the server takes no more");
        }
    }

    private final class Pieces extends OutputStream {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;

        Pieces(Flow.Subscriber<? super ByteBuffer> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void write(int oneByte) throws IOException {
            write(new byte[] {(byte) oneByte}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            checkWanted();
            wanted.acquireUninterruptibly();
            checkWanted();
            subscriber.onNext(ByteBuffer.wrap(Arrays.copyOfRange(bytes, offset, offset + length)));
        }
    }

    private void checkWanted() throws NotWantedException {
        if (ended) {
            throw new NotWantedException();
        }
    }

    private void end() {
        ended = true;
        wanted.release();
    }

    /** Throws what kept the body from being made, if anything did. */
    void checkMade() throws IOException {
        switch (failure) {
            case null -> {}
            case IOException e -> throw e;
            case Throwable e -> throw new IllegalStateException("what is sent cannot be made: " + e, e);
        }
    }

    /** Nothing more is wanted; waits until nothing more is made. */
    @Override
    public void close() {
        end();
        Thread thread = making;
        boolean interrupted = false;
        while (thread != null && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
