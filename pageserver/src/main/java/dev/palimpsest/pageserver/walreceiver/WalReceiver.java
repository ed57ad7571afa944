package dev.palimpsest.pageserver.walreceiver;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.ReplicationConnection;
import dev.palimpsest.pageserver.upstream.StreamEnd;
import dev.palimpsest.pageserver.upstream.SystemIdentification;
import dev.palimpsest.pageserver.upstream.TimelineHistory;
import dev.palimpsest.pageserver.upstream.UpstreamException;
import dev.palimpsest.pageserver.upstream.WalStream;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.postgres.wal.WalException;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.timeline.Timeline;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows one source on behalf of one timeline, until it is stopped: connects, streams, and after whatever goes wrong begins
 * again where the timeline's last record ends. So no record is left out, and none is applied twice.
 *
 * <pre>
 *   receive ─► decode ─► interpret ─► [at most 2 batches wait] ─► apply        status: every second, or when asked
 *   └───────────── one thread ─────┘                          └ another ┘      └ a third ┘
 * </pre>
 *
 * <p>The source hears: written, what has been received; flushed, the timeline's {@code remote_consistent_lsn}; applied, its
 * {@code last_record_lsn}. So it keeps WAL until that is in the object store.
 *
 * <p>Memory: that of a {@link WalIntake}, and the buffers of the connection. Safe for use by many threads.
 */
public final class WalReceiver implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WalReceiver.class);

    private static final Duration STATUS_INTERVAL = Duration.ofSeconds(1);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(20);

    /** Told when the source goes on in another PostgreSQL timeline, before anything of it is applied. */
    public interface TimelineSwitch {
        /** Keeps it, durably. */
        void followed(int timeline) throws StorageException;
    }

    /**
     * What to follow.
     *
     * @param name for messages
     * @param connection how to reach it
     * @param slot the physical slot to use
     * @param systemIdentifier of the cluster that it must be
     * @param pgTimeline the PostgreSQL timeline that was last followed
     * @param start where its WAL begins for us, if the timeline has none of it yet: nothing before is asked for
     */
    public record Source(
            String name,
            ConnectionSettings connection,
            String slot,
            long systemIdentifier,
            int pgTimeline,
            Lsn start) {}

    private final Timeline timeline;
    private final RelationLengths lengths;
    private final Source source;
    private final TimelineSwitch onSwitch;
    private final Cancellation cancellation = new Cancellation();
    private final RequestContext context;
    private final Thread receiving;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition wake = lock.newCondition();

    private volatile FollowState.Phase phase = FollowState.Phase.CONNECTING;
    private volatile @Nullable String problem;
    private volatile Lsn received;
    private volatile Lsn sourceEnd = Lsn.INVALID;
    private volatile @Nullable Instant lastMessage;
    private volatile long lastCommit;
    private volatile @Nullable ReplicationConnection connection;
    private volatile int pgTimeline;
    private final AtomicBoolean flushing = new AtomicBoolean();
    private final Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE);
    private boolean statusDue;

    private WalReceiver(Timeline timeline, RelationLengths lengths, Source source, TimelineSwitch onSwitch) {
        this.timeline = timeline;
        this.lengths = lengths;
        this.source = source;
        this.onSwitch = onSwitch;
        this.context = new RequestContext(TaskKind.INGEST, Clock.NEVER, cancellation);
        this.received = startLsn();
        this.pgTimeline = source.pgTimeline();
        this.receiving = Thread.ofPlatform().name("receive " + source.name()).unstarted(this::run);
    }

    /**
     * Begins to follow.
     *
     * @param lengths what readers of the timeline know of its relations
     */
    public static WalReceiver start(
            Timeline timeline, RelationLengths lengths, Source source, TimelineSwitch onSwitch) {
        WalReceiver receiver = new WalReceiver(timeline, lengths, source, onSwitch);
        receiver.receiving.start();
        return receiver;
    }

    private Lsn startLsn() {
        return Lsn.max(timeline.lastRecordLsn(), source.start());
    }

    /** How it stands. */
    public FollowState state() {
        long commit = lastCommit;
        return new FollowState(
                phase,
                problem,
                received,
                sourceEnd,
                lastMessage,
                commit == 0 ? null : new TimestampTz(commit).toInstant());
    }

    /** Tries to connect at once, if it is waiting before it tries again: the source has just been started. */
    public void connectNow() {
        backoff.hurry();
    }

    /** Stops, and waits until nothing is received or applied any more. */
    @Override
    public void close() {
        cancellation.cancel();
        backoff.end();
        ReplicationConnection open = connection;
        if (open != null) {
            open.close();
        }
        wakeStatus();
        join(receiving);
    }

    /** Waits for a thread that ends by itself. It is never interrupted: that would close the files it works with. */
    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
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

    private void run() {
        do {
            Lsn before = timeline.lastRecordLsn();
            try {
                follow();
            } catch (CancelledException e) {
                break;
            } catch (UpstreamException | StorageException | WalException | RuntimeException e) {
                failed(e);
            }
            if (timeline.lastRecordLsn().isAfter(before)) {
                backoff.reset();
            }
            // A source that shut down is one that may start again; until then it is said that it did.
            if (phase != FollowState.Phase.SOURCE_SHUT_DOWN) {
                phase = FollowState.Phase.WAITING;
            }
        } while (backoff.await());
        phase = FollowState.Phase.STOPPED;
    }

    private void failed(Exception e) {
        if (cancellation.isCancelled()) {
            return;
        }
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        // That a source which shut down cannot be reached is nothing to warn of.
        if (!message.equals(problem) && phase != FollowState.Phase.SOURCE_SHUT_DOWN) {
            if (e instanceof RuntimeException) {
                LOG.error("{}: following stopped at {} and is tried again", source.name(), timeline.lastRecordLsn(), e);
            } else {
                LOG.warn(
                        "{}: following stopped at {} and is tried again: {}",
                        source.name(),
                        timeline.lastRecordLsn(),
                        message);
            }
        }
        problem = message;
    }

    private void follow() throws UpstreamException, StorageException, WalException {
        try (ReplicationConnection open = ReplicationConnection.connect(source.connection())) {
            connection = open;
            context.checkCancelled();
            phase = FollowState.Phase.CONNECTING;
            SystemIdentification system = open.identifySystem();
            checkIdentity(open, system);
            sourceEnd = system.flushLsn();
            int follow = choose(open, system);
            stream(open, follow);
        } finally {
            connection = null;
        }
    }

    private void checkIdentity(ReplicationConnection open, SystemIdentification system) throws StorageException {
        if (system.systemIdentifier() != source.systemIdentifier()) {
            throw new InvalidRequestException("the server at " + open.address() + " has system identifier "
                    + Long.toUnsignedString(system.systemIdentifier()) + ", not "
                    + Long.toUnsignedString(source.systemIdentifier())
                    + ": it is another cluster, or was made anew");
        }
        if (open.version().major() != timeline.pgVersion()) {
            throw new InvalidRequestException("the server at " + open.address() + " is " + open.version()
                    + " now, and was PostgreSQL " + timeline.pgVersion() + " when it was attached: attach it anew");
        }
    }

    private int choose(ReplicationConnection open, SystemIdentification system)
            throws UpstreamException, StorageException {
        List<TimelineHistory.Ancestor> ancestors = system.timeline() == 1
                ? List.of()
                : open.timelineHistory(system.timeline()).ancestors();
        return switch (SourcePosition.decide(pgTimeline, startLsn(), system.timeline(), ancestors)) {
            case SourcePosition.Decision.Follow(int follow) -> follow;
            case SourcePosition.Decision.Diverged(String why) -> throw new InvalidRequestException(why);
        };
    }

    private void stream(ReplicationConnection open, int first)
            throws UpstreamException, StorageException, WalException {
        int following = first;
        Lsn start = startLsn();
        while (true) {
            if (following != pgTimeline && Integer.compareUnsigned(following, pgTimeline) > 0) {
                onSwitch.followed(following);
                pgTimeline = following;
            }
            TimelineHistory history = missingHistory(open, following);
            WalStream stream = open.startReplication(source.slot(), start, following);
            phase = FollowState.Phase.STREAMING;
            if (problem != null) {
                LOG.info("{}: following again from {} on", source.name(), start);
            }
            problem = null;
            StreamEnd end = pump(stream, start, history);
            switch (end) {
                case StreamEnd.NextTimeline(int next, Lsn switchLsn) -> {
                    LOG.info(
                            "{}: timeline {} ended at {}, following {}",
                            source.name(),
                            Integer.toUnsignedString(following),
                            switchLsn,
                            Integer.toUnsignedString(next));
                    if (timeline.lastRecordLsn().isAfter(switchLsn)) {
                        throw new InvalidRequestException("the source left timeline " + following + " at " + switchLsn
                                + ", but we have its WAL up to " + timeline.lastRecordLsn() + ": attach it anew");
                    }
                    following = next;
                    start = Lsn.max(startLsn(), switchLsn);
                }
                case StreamEnd.ServerShutdown() -> {
                    phase = FollowState.Phase.SOURCE_SHUT_DOWN;
                    return;
                }
                case StreamEnd.Stopped _, StreamEnd.Refused _ -> {
                    return;
                }
            }
        }
    }

    /**
     * The history of a PostgreSQL timeline, if the cluster's files do not have it yet. It is written with the first record that
     * comes: so it is there as long as that record, and a branch from before does not know it.
     */
    private @Nullable TimelineHistory missingHistory(ReplicationConnection open, int following)
            throws UpstreamException, StorageException {
        boolean known = following == 1
                || reader().files().containsKey(dev.palimpsest.postgres.datadir.TimelineHistory.path(following));
        return known ? null : open.timelineHistory(following);
    }

    /** Receives until the stream ends; on return everything that came before the end is applied. */
    private StreamEnd pump(WalStream stream, Lsn start, @Nullable TimelineHistory history)
            throws UpstreamException, StorageException, WalException {
        try (WalIntake intake = new WalIntake(
                        source.name(),
                        timeline,
                        lengths,
                        start,
                        stream.timeline(),
                        WalIntake.ALL,
                        this::applied,
                        context);
                StatusReports _ = new StatusReports(stream)) {
            if (history != null) {
                intake.keep(
                        dev.palimpsest.postgres.datadir.TimelineHistory.path(history.timeline()),
                        history.text().getBytes(StandardCharsets.UTF_8));
            }
            received = start;
            while (true) {
                WalStream.Event event = stream.receive(intake.hasSomething() ? Duration.ZERO : POLL);
                context.checkCancelled();
                switch (event) {
                    case WAL -> {
                        news(stream);
                        decode(stream, intake);
                        received = stream.endLsn();
                    }
                    case KEEPALIVE -> {
                        news(stream);
                        intake.handOver();
                        if (stream.replyRequested()) {
                            flushIfAllIsHere(stream);
                            wakeStatus();
                        }
                    }
                    case NOTHING -> intake.handOver();
                    case END -> {
                        intake.finish();
                        return stream.end();
                    }
                }
            }
        }
    }

    /**
     * A server that shuts down asks for a reply, and waits until its last WAL is reported as flushed; we are asked so at no
     * other time, since we report without being asked. So what there is is flushed then, rather than when the layer is full.
     */
    private void flushIfAllIsHere(WalStream stream) {
        if (stream.endLsn().isBefore(stream.serverEnd()) || !flushing.compareAndSet(false, true)) {
            return;
        }
        Thread.ofPlatform().name("flush " + source.name()).start(() -> {
            try {
                timeline.freezeAndFlush(context);
                wakeStatus();
            } catch (StorageException e) {
                LOG.warn("{}: what the source waits for is not flushed: {}", source.name(), e.getMessage());
            } finally {
                flushing.set(false);
            }
        });
    }

    private void news(WalStream stream) {
        sourceEnd = stream.serverEnd();
        lastMessage = Instant.now();
    }

    private ClusterReader reader() {
        return new ClusterReader(timeline, timeline.lastRecordLsn(), context);
    }

    private void decode(WalStream stream, WalIntake intake) throws StorageException, WalException {
        intake.feed(stream.array(), stream.offset(), stream.length());
        StopReason stopped = intake.stopped();
        if (stopped != null) {
            throw new InvalidRequestException("the WAL from " + source.name() + " cannot be decoded: " + stopped);
        }
    }

    private void applied(long latestCommit, boolean all) {
        lastCommit = Math.max(lastCommit, latestCommit);
        if (all) {
            wakeStatus();
        }
    }

    private void wakeStatus() {
        lock.lock();
        try {
            statusDue = true;
            wake.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Tells the source how far we are, every now and then and when there is a reason to. */
    private final class StatusReports implements AutoCloseable {
        private final WalStream stream;
        private final Thread reporting;
        private volatile boolean ended;

        StatusReports(WalStream stream) {
            this.stream = stream;
            this.reporting = Thread.ofVirtual().name("status " + source.name()).start(this::run);
        }

        private void run() {
            try {
                while (!ended) {
                    Lsn write = received;
                    stream.sendStatus(
                            write,
                            Lsn.min(timeline.remoteConsistentLsn(), write),
                            Lsn.min(timeline.lastRecordLsn(), write),
                            WalStream.ReplyRequest.NOT_WANTED);
                    await();
                }
            } catch (UpstreamException | InterruptedException e) {
                LOG.debug("{}: no more status: {}", source.name(), e.getMessage());
            }
        }

        private void await() throws InterruptedException {
            lock.lock();
            try {
                long left = STATUS_INTERVAL.toNanos();
                while (!statusDue && !ended && left > 0) {
                    left = wake.awaitNanos(left);
                }
                statusDue = false;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            ended = true;
            wakeStatus();
            join(reporting);
        }
    }
}
