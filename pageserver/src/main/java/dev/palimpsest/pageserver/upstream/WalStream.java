package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.BigEndian;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.ReplicationMessage;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

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

    /** 2000-01-01 UTC, in microseconds since 1970. */
    private static final long POSTGRES_EPOCH_MICROS = 946_684_800_000_000L;

    private final Commands commands;
    private final Wire wire;
    private final String command;
    private final int timeline;
    /** A status message, and the lock on it. */
    private final byte[] statusMessage = new byte[ReplicationMessage.STANDBY_STATUS_MESSAGE_SIZE];

    private final ByteBuffer status = ByteBuffer.wrap(statusMessage);
    private final ReentrantLock statusLock = new ReentrantLock();

    private int offset;
    private int length;
    private long start;
    private long next;
    private long serverEnd;
    private long serverTimeMicros;
    private boolean replyRequested;
    private volatile @Nullable StreamEnd end;
    /** Whether we have ended our side; under the lock. */
    private boolean doneSent;

    private WalStream(Commands commands, String command, Lsn start, int timeline) {
        this.commands = commands;
        this.wire = commands.wire();
        this.command = command;
        this.timeline = timeline;
        this.start = start.value();
        this.next = start.value();
    }

    /** Gives the command, and waits until WAL flows, or the answer is that the timeline ended there. */
    static WalStream start(Commands commands, String command, Lsn start, int timeline) throws UpstreamException {
        WalStream stream = new WalStream(commands, command, start, timeline);
        commands.send(command);
        byte type = stream.wire.expect(commands.timeouts().reply(), "the answer to " + command);
        return switch (type) {
            case BackendMessage.COPY_BOTH_RESPONSE -> stream;
            case BackendMessage.ROW_DESCRIPTION -> {
                stream.end = stream.nextTimeline(commands.rest(command));
                yield stream;
            }
            case BackendMessage.ERROR_RESPONSE -> throw commands.failed(command);
            default -> throw stream.wire.unexpected(type, "in answer to " + command);
        };
    }

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
        if (end != null) {
            return Event.END;
        }
        replyRequested = false;
        byte type = wire.next(timeout.toNanos());
        return switch (type) {
            case BackendMessage.COPY_DATA -> copyData();
            case Wire.NOTHING -> Event.NOTHING;
            default -> ending(type);
        };
    }

    /** The array that holds the last WAL received; the next {@link #receive} may overwrite it. */
    public byte[] array() {
        return wire.buffer();
    }

    /** Where in {@link #array()} it starts. */
    public int offset() {
        return offset;
    }

    /** How many bytes it is, 1 or more. */
    public int length() {
        return length;
    }

    /** The position of its first byte. */
    public Lsn startLsn() {
        return new Lsn(start);
    }

    /** The position after its last byte: where the next piece starts. Before the first piece, where the stream started. */
    public Lsn endLsn() {
        return new Lsn(next);
    }

    /** The end of the server's WAL as of the last message: how far it has flushed, or replayed if it is a standby. */
    public Lsn serverEnd() {
        return new Lsn(serverEnd);
    }

    /** When the server sent the last message, in microseconds since 2000-01-01 UTC by its clock. */
    public long serverTimeMicros() {
        return serverTimeMicros;
    }

    /** Whether the last message, a keepalive, wants a status at once. */
    public boolean replyRequested() {
        return replyRequested;
    }

    /** The PostgreSQL timeline that is streamed, unsigned. */
    public int timeline() {
        return timeline;
    }

    /**
     * Why the stream ended.
     *
     * @throws IllegalStateException if it has not
     */
    public StreamEnd end() {
        StreamEnd reached = end;
        if (reached == null) {
            throw new IllegalStateException("the stream has not ended");
        }
        return reached;
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
        if (flush.isAfter(write) || apply.isAfter(write)) {
            throw new IllegalArgumentException("flush " + flush + " or apply " + apply + " is after write " + write);
        }
        Instant now = Instant.now();
        long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000 - POSTGRES_EPOCH_MICROS;
        statusLock.lock();
        try {
            if (doneSent || end != null) {
                return;
            }
            ReplicationMessage.putStandbyStatus(
                    statusMessage, write.value(), flush.value(), apply.value(), micros, reply == ReplyRequest.WANTED);
            wire.send(status.clear(), commands.timeouts().reply());
        } finally {
            statusLock.unlock();
        }
    }

    /**
     * Asks the server to stop sending, and throws away what it sent before it heard, so that the connection can be used for
     * something else. Only for the thread that receives.
     */
    public void stop() throws UpstreamException {
        if (end != null) {
            return;
        }
        sendDone();
        while (true) {
            byte type = wire.expect(commands.timeouts().reply(), "the end of WAL");
            switch (type) {
                case BackendMessage.COPY_DATA -> {
                    // sent before the server heard
                }
                case BackendMessage.COPY_DONE -> {
                    List<Commands.Row> rows = commands.rest(command);
                    finish(rows.isEmpty() ? new StreamEnd.Stopped() : nextTimeline(rows));
                    return;
                }
                default -> {
                    ending(type);
                    return;
                }
            }
        }
    }

    /** Whether it is over, in one way or the other, as far as the server is concerned. */
    boolean isEnded() {
        return end != null;
    }

    private Event copyData() throws ProtocolBrokenException {
        byte[] buffer = wire.buffer();
        int at = wire.bodyOffset();
        int size = wire.bodyLength();
        if (size > ReplicationMessage.XLOG_DATA_HEADER_SIZE && buffer[at] == ReplicationMessage.XLOG_DATA) {
            long from = BigEndian.int64(buffer, at + ReplicationMessage.XLOG_DATA_START);
            if (from != next) {
                throw wire.broken("WAL at " + new Lsn(from) + " where " + new Lsn(next) + " should come");
            }
            offset = at + ReplicationMessage.XLOG_DATA_HEADER_SIZE;
            length = size - ReplicationMessage.XLOG_DATA_HEADER_SIZE;
            start = from;
            next = from + length;
            serverEnd = BigEndian.int64(buffer, at + ReplicationMessage.XLOG_DATA_SERVER_END);
            serverTimeMicros = BigEndian.int64(buffer, at + ReplicationMessage.XLOG_DATA_TIME);
            return Event.WAL;
        }
        if (size == ReplicationMessage.KEEPALIVE_SIZE && buffer[at] == ReplicationMessage.KEEPALIVE) {
            serverEnd = BigEndian.int64(buffer, at + ReplicationMessage.KEEPALIVE_SERVER_END);
            serverTimeMicros = BigEndian.int64(buffer, at + ReplicationMessage.KEEPALIVE_TIME);
            replyRequested = buffer[at + ReplicationMessage.KEEPALIVE_REPLY_REQUESTED] != 0;
            return Event.KEEPALIVE;
        }
        throw wire.broken("a replication message of " + size + " bytes"
                + (size == 0 ? "" : " that begins with byte " + buffer[at]));
    }

    private Event ending(byte type) throws UpstreamException {
        return switch (type) {
            case BackendMessage.COPY_DONE -> {
                sendDone();
                finish(nextTimeline(commands.rest(command)));
                yield Event.END;
            }
            case BackendMessage.COMMAND_COMPLETE -> {
                // Only a server that shuts down ends the command without CopyDone; it says no more.
                finish(new StreamEnd.ServerShutdown());
                wire.close();
                yield Event.END;
            }
            case BackendMessage.ERROR_RESPONSE -> {
                ServerRefusedException refused = commands.failed(command, "breaks off");
                finish(new StreamEnd.Refused(refused.serverError()));
                throw refused;
            }
            default -> throw wire.unexpected(type, "among WAL");
        };
    }

    /** From here on no status may be sent: it would reach a server that waits for a command. */
    private void sendDone() throws UpstreamException {
        statusLock.lock();
        try {
            wire.send(FrontendMessage.copyDone(), commands.timeouts().reply());
            doneSent = true;
        } finally {
            statusLock.unlock();
        }
    }

    private void finish(StreamEnd reached) {
        statusLock.lock();
        try {
            end = reached;
        } finally {
            statusLock.unlock();
        }
    }

    private StreamEnd nextTimeline(List<Commands.Row> rows) throws ProtocolBrokenException {
        Commands.Row row = commands.only(rows, command);
        try {
            int following = Integer.parseUnsignedInt(commands.text(row, 0, command));
            return new StreamEnd.NextTimeline(following, Lsn.parse(commands.text(row, 1, command)));
        } catch (IllegalArgumentException e) {
            throw wire.broken("which timeline follows", e);
        }
    }
}
