package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import java.time.Duration;

/**
 * WAL as a server sends it, from {@link ReplicationConnection#startReplication}.
 *
 * <p>One thread receives: it calls {@link #receive}, and after {@link Event#WAL} reads the bytes in place, in
 * {@link #array()} from {@link #offset()} on, before it calls again. The bytes are a plain stream: each piece begins where the
 * one before it ended (that is checked), and may begin and end in the middle of a record or a page. Receiving allocates
 * nothing. Any thread may call {@link #sendStatus} at the same time. Closing the connection, from any thread, ends the stream
 * and wakes a thread that waits in it.
 *
 * <p>A server that hears nothing for its {@code wal_sender_timeout}, 60 seconds by default, hangs up: send a status every 10
 * seconds, and at once when {@link #replyRequested} says so.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class WalStream {
    /** What {@link #receive} brought. */
    public enum Event {
        /** WAL: see {@link #array()}, {@link #startLsn()} and {@link #serverEnd()}. */
        WAL,
        /** No WAL, but news of the server: see {@link #serverEnd()} and {@link #replyRequested()}. */
        KEEPALIVE,
        /** Nothing in time. */
        NOTHING,
        /** The end: see {@link #end()}. It comes again with each further call. */
        END
    }

    /** Whether a status asks for a keepalive as its answer. */
    public enum ReplyRequest {
        /** It does. */
        WANTED,
        /** It does not. */
        NOT_WANTED
    }

    WalStream() {}

    /**
     * Waits for the next message.
     *
     * @param timeout how long to wait for the first byte that has not come yet; zero for not at all
     * @throws ServerRefusedException if the server breaks the stream off with an error; the connection is open still if
     *     {@link ReplicationConnection#isOpen} says so
     * @throws ConnectionLostException if the connection breaks, or is closed by anyone
     * @throws ProtocolBrokenException if what comes makes no sense, such as a gap in the WAL
     */
    public Event receive(Duration timeout) throws UpstreamException {
        throw new UnsupportedOperationException(timeout.toString());
    }

    /** The array that holds the last WAL received; the next {@link #receive} may overwrite it. */
    public byte[] array() {
        throw new UnsupportedOperationException();
    }

    /** Where in {@link #array()} it starts. */
    public int offset() {
        throw new UnsupportedOperationException();
    }

    /** How many bytes it is, 1 or more. */
    public int length() {
        throw new UnsupportedOperationException();
    }

    /** The position of its first byte. */
    public Lsn startLsn() {
        throw new UnsupportedOperationException();
    }

    /** The position after its last byte: where the next piece starts. Before the first piece, where the stream started. */
    public Lsn endLsn() {
        throw new UnsupportedOperationException();
    }

    /** The end of the server's WAL as of the last message: how far it has flushed, or replayed if it is a standby. */
    public Lsn serverEnd() {
        throw new UnsupportedOperationException();
    }

    /** When the server sent the last message, in microseconds since 2000-01-01 UTC by its clock. */
    public long serverTimeMicros() {
        throw new UnsupportedOperationException();
    }

    /** Whether the last message, a keepalive, wants a status at once. */
    public boolean replyRequested() {
        throw new UnsupportedOperationException();
    }

    /** The PostgreSQL timeline that is streamed, unsigned. */
    public int timeline() {
        throw new UnsupportedOperationException();
    }

    /**
     * Why the stream ended.
     *
     * @throws IllegalStateException if it has not
     */
    public StreamEnd end() {
        throw new UnsupportedOperationException();
    }

    /**
     * Reports how far we are. Safe from any thread, while another receives; the server believes what it is told, so none may
     * lie beyond what is true.
     *
     * @param write received up to here
     * @param flush durable up to here; moves the slot
     * @param apply readable up to here
     * @throws ConnectionLostException if the connection is broken, or takes nothing for too long
     * @throws IllegalArgumentException if flush or apply is after write
     */
    public void sendStatus(Lsn write, Lsn flush, Lsn apply, ReplyRequest reply) throws UpstreamException {
        throw new UnsupportedOperationException("" + write + flush + apply + reply);
    }

    /**
     * Asks the server to stop sending, and throws away what it sent before it heard, so that the connection can be used for
     * something else. Only for the thread that receives.
     */
    public void stop() throws UpstreamException {
        throw new UnsupportedOperationException();
    }
}
