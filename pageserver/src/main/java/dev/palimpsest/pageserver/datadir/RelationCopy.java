package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageChecksum;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Copies the blocks of relations into a sink: several batches of blocks are read, and their checksums computed, at once, while
 * the caller's thread writes them in order. A batch has blocks of many relations if they are small, as most are, since a
 * search for one block takes as long as one for many. One buffer more than there are readers is all it holds.
 */
final class RelationCopy {
    private static final int BATCH_BLOCKS = 256;
    private static final int BATCH_RUNS = 256;
    private static final int PAGE = PageLayout.PAGE_SIZE;

    private final ClusterAt cluster;
    private final PageSeal seal;
    private final Tasks tasks;
    private final int window;
    private final ArrayDeque<byte[]> spare = new ArrayDeque<>();
    private final ArrayDeque<Reading> readings = new ArrayDeque<>();

    /** Makes a page ready to be read by a server. */
    enum PageSeal {
        /** The cluster has data checksums. */
        CHECKSUM,
        /** It has none. */
        NONE
    }

    /** Consecutive blocks of a file. */
    private record Run(RelationFile file, int offset, int count) {
        boolean isFirst() {
            return offset == 0;
        }

        boolean isLast() {
            return offset + count == file.blocks();
        }

        ClusterAt.Blocks blocks() {
            return new ClusterAt.Blocks(file.source(), file.firstBlock() + offset, count);
        }
    }

    /** Runs whose blocks lie one after the other in a buffer. */
    private record Batch(List<Run> runs, int blocks) {}

    private record Reading(
            Batch batch, byte[] buffer, @Nullable Task task) {}

    private static final class Batches implements Iterator<Batch> {
        private final Iterator<RelationFile> files;
        private @Nullable RelationFile file;
        private int offset;

        Batches(List<RelationFile> files) {
            this.files = files.iterator();
        }

        @Override
        public boolean hasNext() {
            return file != null || files.hasNext();
        }

        @Override
        public Batch next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            List<Run> runs = new ArrayList<>();
            int blocks = 0;
            while (hasNext() && blocks < BATCH_BLOCKS && runs.size() < BATCH_RUNS) {
                RelationFile current = file == null ? files.next() : file;
                Run run = new Run(current, offset, Math.min(BATCH_BLOCKS - blocks, current.blocks() - offset));
                offset = run.isLast() ? 0 : offset + run.count();
                file = run.isLast() ? null : current;
                runs.add(run);
                blocks += run.count();
            }
            return new Batch(runs, blocks);
        }
    }

    RelationCopy(ClusterAt cluster, PageSeal seal, Tasks tasks, int readers) {
        this.cluster = cluster;
        this.seal = seal;
        this.tasks = tasks;
        this.window = readers + 1;
    }

    /** Writes these files. However it ends, nothing is being read any more then. */
    void copy(List<RelationFile> files, DataDirectorySink sink, WriteMeter meter, Cancellation cancellation)
            throws StorageException {
        Batches batches = new Batches(files);
        try {
            while (true) {
                if (cancellation.isCancelled()) {
                    throw new CancelledException("the writing of the data directory was cancelled");
                }
                while (readings.size() < window && batches.hasNext()) {
                    readings.add(start(batches.next()));
                }
                Reading reading = readings.poll();
                if (reading == null) {
                    return;
                }
                finish(reading);
                write(reading, sink);
                spare.push(reading.buffer());
                meter.add((long) reading.batch().blocks() * PAGE);
            }
        } finally {
            readings.forEach(RelationCopy::join);
            readings.clear();
        }
    }

    private Reading start(Batch batch) {
        byte[] buffer = spare.isEmpty() ? new byte[BATCH_BLOCKS * PAGE] : spare.pop();
        if (batch.blocks() == 0) {
            return new Reading(batch, buffer, null);
        }
        String name = "read " + batch.runs().getFirst().file().path();
        return new Reading(batch, buffer, tasks.start(name, () -> read(batch, buffer)));
    }

    private static void join(Reading reading) {
        if (reading.task() != null) {
            reading.task().join();
        }
    }

    private void read(Batch batch, byte[] buffer) throws StorageException {
        List<ClusterAt.Blocks> pieces = batch.runs().stream().map(Run::blocks).toList();
        try {
            cluster.readBlocks(pieces, buffer);
        } catch (StorageException e) {
            throw located(pieces, buffer, e);
        }
        Page page = new Page();
        int at = 0;
        for (ClusterAt.Blocks piece : pieces) {
            for (int i = 0; i < piece.count(); i++) {
                seal(page, piece.relation(), piece.first() + i, buffer, at);
                at += PAGE;
            }
        }
    }

    private void seal(Page page, RelTag relation, int block, byte[] buffer, int at) throws CorruptionException {
        System.arraycopy(buffer, at, page.bytes(), 0, PAGE);
        if (page.isNew()) {
            return;
        }
        check(page, relation, block);
        page.setChecksum(seal == PageSeal.CHECKSUM ? PageChecksum.compute(page, block) : 0);
        System.arraycopy(page.bytes(), PageLayout.CHECKSUM, buffer, at + PageLayout.CHECKSUM, 2);
    }

    /** A server could not write back a page that claims to be newer than its WAL. */
    private void check(Page page, RelTag relation, int block) throws CorruptionException {
        Lsn lsn = new Lsn(page.lsn());
        if (lsn.isAfter(cluster.lsn()) && page.hasValidHeader()) {
            throw new CorruptionException(
                    "relation " + relation + " block " + Integer.toUnsignedString(block),
                    0,
                    "the page has LSN " + lsn + ", which is after " + cluster.lsn() + ", as of which it was asked for");
        }
    }

    /** Says in which piece it is that cannot be read: reads each alone, to find it. */
    private StorageException located(List<ClusterAt.Blocks> pieces, byte[] buffer, StorageException failure) {
        if (failure instanceof CancelledException) {
            return failure;
        }
        for (ClusterAt.Blocks piece : pieces) {
            if (piece.count() > 0) {
                try {
                    cluster.readBlocks(List.of(piece), buffer);
                } catch (StorageException e) {
                    return located(piece, e);
                }
            }
        }
        return failure;
    }

    private StorageException located(ClusterAt.Blocks piece, StorageException e) {
        int last = piece.first() + piece.count() - 1;
        String where = "relation " + piece.relation() + " blocks " + Integer.toUnsignedString(piece.first()) + " to "
                + Integer.toUnsignedString(last) + " at " + cluster.lsn();
        return switch (e) {
            case CorruptionException damaged ->
                new CorruptionException(damaged.resource(), damaged.offset(), where + ": " + e.getMessage(), e);
            case MissingKeyException missing -> new MissingKeyException(where + ": " + e.getMessage(), missing);
            case RedoException failed -> new RedoException(where + ": " + e.getMessage(), failed);
            default -> e;
        };
    }

    private static void finish(Reading reading) throws StorageException {
        if (reading.task() == null) {
            return;
        }
        reading.task().join();
        switch (reading.task().failure().orElse(null)) {
            case null -> {}
            case StorageException e -> throw e;
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    private static void write(Reading reading, DataDirectorySink sink) throws StorageException {
        int at = 0;
        for (Run run : reading.batch().runs()) {
            if (run.isFirst()) {
                sink.startFile(run.file().path(), (long) run.file().blocks() * PAGE);
            }
            sink.write(reading.buffer(), at, run.count() * PAGE);
            at += run.count() * PAGE;
            if (run.isLast()) {
                sink.endFile();
            }
        }
    }
}
