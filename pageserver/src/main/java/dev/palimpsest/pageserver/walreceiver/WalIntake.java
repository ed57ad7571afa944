package dev.palimpsest.pageserver.walreceiver;

import dev.palimpsest.pageserver.ingest.ClusterSettings;
import dev.palimpsest.pageserver.ingest.ClusterWriter;
import dev.palimpsest.pageserver.ingest.InterpretedBatch;
import dev.palimpsest.pageserver.ingest.WalInterpreter;
import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.RelationLengths;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.wal.StopReason;
import dev.palimpsest.postgres.wal.WalException;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the WAL of one PostgreSQL timeline into a timeline, wherever it comes from: decodes and interprets it in the caller's
 * thread, and applies it in a thread of its own, at most two batches behind.
 *
 * <p>Memory: three batches of some {@link InterpretedBatch#TARGET_BYTES}, and the record that is being put together. Used by
 * one thread.
 */
public final class WalIntake implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WalIntake.class);
    private static final int BATCHES = 3;
    private static final long POLL_MILLIS = 500;

    /** Looks at each record before it is taken in. */
    public interface Gate {
        /**
         * Whether it is to be taken in. After the first that is not, none is asked about any more.
         *
         * @param record is not kept
         */
        boolean admits(WalRecord record) throws WalException;
    }

    /** Lets every record in. */
    public static final Gate ALL = _ -> true;

    /** Hears what has been applied, in the thread that applies. */
    public interface Listener {
        /**
         * A batch can be read.
         *
         * @param latestCommit the latest time of a commit in it, microseconds since 2000; 0 if it has none
         * @param all whether nothing more waits
         */
        void applied(long latestCommit, boolean all);
    }

    private final String name;
    private final Gate gate;
    private final Listener listener;
    private final RequestContext context;
    private final WalStreamDecoder decoder;
    private final WalInterpreter interpreter;
    private final ClusterWriter writer;
    private final ArrayBlockingQueue<InterpretedBatch> full = new ArrayBlockingQueue<>(BATCHES);
    private final ArrayBlockingQueue<InterpretedBatch> free = new ArrayBlockingQueue<>(BATCHES);
    private final Thread applying;
    private InterpretedBatch filling = new InterpretedBatch();
    private boolean refused;
    private volatile @Nullable Exception failure;
    private volatile boolean last;
    private volatile boolean abandoned;

    /**
     * Begins where a timeline's last record ended.
     *
     * @param name whose WAL it is, for messages
     * @param lengths what readers of the timeline know of its relations
     * @param start where the WAL begins that is going to be fed: the start of a page or of a record
     * @param pgTimeline the PostgreSQL timeline, unsigned; pages of a later one end the WAL
     * @throws CorruptionException if the cluster's control file cannot be read
     */
    public WalIntake(
            String name,
            Timeline timeline,
            RelationLengths lengths,
            Lsn start,
            int pgTimeline,
            Gate gate,
            Listener listener,
            RequestContext context)
            throws StorageException {
        this.name = name;
        this.gate = gate;
        this.listener = listener;
        this.context = context;
        ClusterReader reader = new ClusterReader(timeline, timeline.lastRecordLsn(), context);
        ControlFile control = control(timeline, reader);
        PostgresVersion version = PostgresVersion.ofMajor(timeline.pgVersion());
        decoder = new WalStreamDecoder(version, control.walSegmentSize(), pgTimeline, start);
        interpreter = new WalInterpreter(
                version,
                reader.checkPoint(),
                new ClusterSettings(
                        control.dataChecksumVersion() != 0, control.walLogHints(), control.trackCommitTimestamp()));
        writer = new ClusterWriter(timeline, lengths, context);
        for (int i = 1; i < BATCHES; i++) {
            free.add(new InterpretedBatch());
        }
        applying = Thread.ofPlatform().name("apply " + name).start(this::apply);
    }

    private static ControlFile control(Timeline timeline, ClusterReader reader) throws StorageException {
        try {
            return ControlFile.parse(reader.controlFile());
        } catch (MalformedFileException e) {
            throw new CorruptionException("the control file on timeline " + timeline.id(), 0, e.getMessage(), e);
        }
    }

    /** Says that from the next record on the cluster has this file too. */
    public void keep(String path, byte[] content) {
        interpreter.keep(path, content);
    }

    /**
     * Takes the next bytes in; they are used up on return. Bytes after the end are passed over, which {@link #stopped} or the
     * gate made known.
     */
    public void feed(byte[] bytes, int offset, int length) throws StorageException, WalException {
        if (refused || decoder.stopped() != null) {
            return;
        }
        decoder.feed(bytes, offset, length);
        while (decoder.next()) {
            if (!gate.admits(decoder.record())) {
                refused = true;
                return;
            }
            boolean barrier = WalInterpreter.isBarrier(decoder.record());
            if (barrier) {
                handOver();
            }
            interpreter.interpret(decoder.record(), filling);
            if (barrier || filling.isFull()) {
                handOver();
            }
        }
    }

    /** Why nothing that is fed is decoded any more; null as long as it is. */
    public @Nullable StopReason stopped() {
        return decoder.stopped();
    }

    /** Where the last record ended that was decoded; before the first one, where the WAL began. */
    public Lsn endOfLastRecord() {
        return decoder.endOfLastRecord();
    }

    /** Whether there is something to {@link #handOver}. */
    public boolean hasSomething() {
        return !filling.isEmpty();
    }

    /** Lets what was decoded be applied, though it be little; waits while too much is to be applied before it. */
    public void handOver() throws StorageException {
        check();
        if (filling.isEmpty()) {
            return;
        }
        full.add(filling);
        try {
            InterpretedBatch next = free.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
            while (next == null) {
                check();
                next = free.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
            }
            next.clear();
            filling = next;
        } catch (InterruptedException e) {
            throw stopped(e);
        }
    }

    private CancelledException stopped(InterruptedException e) {
        LOG.debug("{}: interrupted", name, e);
        return new CancelledException("taking in the WAL of " + name + " was stopped");
    }

    private void check() throws StorageException {
        switch (failure) {
            case null -> context.checkCancelled();
            case StorageException e -> throw e;
            case Exception e -> throw new IllegalStateException("applying WAL failed unexpectedly", e);
        }
    }

    private void apply() {
        try {
            while (!abandoned) {
                InterpretedBatch batch = full.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (batch != null) {
                    writer.apply(batch);
                    long commit = batch.latestCommit();
                    free.add(batch);
                    listener.applied(commit, full.isEmpty());
                } else if (last && full.isEmpty()) {
                    return;
                }
            }
        } catch (StorageException | RuntimeException e) {
            failure = e;
        } catch (InterruptedException e) {
            LOG.debug("{}: applying is stopped", name);
        }
    }

    /** Waits until everything that was decoded is applied; nothing is fed afterwards. */
    public void finish() throws StorageException {
        handOver();
        last = true;
        try {
            applying.join();
        } catch (InterruptedException e) {
            throw stopped(e);
        }
        check();
    }

    /** Gives up what waits; what is being applied is applied. The thread is never interrupted: that would close its files. */
    @Override
    public void close() {
        abandoned = true;
        boolean interrupted = false;
        while (applying.isAlive()) {
            try {
                applying.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
