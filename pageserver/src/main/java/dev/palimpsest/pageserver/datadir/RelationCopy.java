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
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Copies the blocks of relations into a sink: several runs of blocks are read, and their checksums computed, at once, while
 * the caller's thread writes them in order. One buffer more than there are readers is all it holds.
 */
final class RelationCopy {
    private static final int RUN_BLOCKS = 256;
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

        int firstBlock() {
            return file.firstBlock() + offset;
        }
    }

    private record Reading(Run run, byte[] buffer, @Nullable Task task) {}

    private static final class Runs implements Iterator<Run> {
        private final Iterator<RelationFile> files;
        private @Nullable RelationFile file;
        private int offset;

        Runs(List<RelationFile> files) {
            this.files = files.iterator();
        }

        @Override
        public boolean hasNext() {
            return file != null || files.hasNext();
        }

        @Override
        public Run next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            RelationFile current = file == null ? files.next() : file;
            Run run = new Run(current, offset, Math.min(RUN_BLOCKS, current.blocks() - offset));
            offset = run.isLast() ? 0 : offset + run.count();
            file = run.isLast() ? null : current;
            return run;
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
        Runs runs = new Runs(files);
        try {
            while (true) {
                if (cancellation.isCancelled()) {
                    throw new CancelledException("the writing of the data directory was cancelled");
                }
                while (readings.size() < window && runs.hasNext()) {
                    readings.add(start(runs.next()));
                }
                Reading reading = readings.poll();
                if (reading == null) {
                    return;
                }
                finish(reading);
                write(reading, sink);
                spare.push(reading.buffer());
                meter.add((long) reading.run().count() * PAGE);
            }
        } finally {
            readings.forEach(RelationCopy::join);
            readings.clear();
        }
    }

    private Reading start(Run run) {
        byte[] buffer = spare.isEmpty() ? new byte[RUN_BLOCKS * PAGE] : spare.pop();
        if (run.count() == 0) {
            return new Reading(run, buffer, null);
        }
        return new Reading(run, buffer, tasks.start("read " + run.file().path(), () -> read(run, buffer)));
    }

    private static void join(Reading reading) {
        if (reading.task() != null) {
            reading.task().join();
        }
    }

    private void read(Run run, byte[] buffer) throws StorageException {
        RelTag relation = run.file().source();
        try {
            cluster.readBlocks(relation, run.firstBlock(), run.count(), buffer, 0);
        } catch (StorageException e) {
            throw located(run, e);
        }
        Page page = new Page();
        for (int i = 0; i < run.count(); i++) {
            System.arraycopy(buffer, i * PAGE, page.bytes(), 0, PAGE);
            if (page.isNew()) {
                continue;
            }
            check(page, relation, run.firstBlock() + i);
            page.setChecksum(seal == PageSeal.CHECKSUM ? PageChecksum.compute(page, run.firstBlock() + i) : 0);
            System.arraycopy(page.bytes(), PageLayout.CHECKSUM, buffer, i * PAGE + PageLayout.CHECKSUM, 2);
        }
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

    private StorageException located(Run run, StorageException e) {
        int last = run.firstBlock() + run.count() - 1;
        String where = "relation " + run.file().source() + " blocks " + Integer.toUnsignedString(run.firstBlock())
                + " to " + Integer.toUnsignedString(last) + " at " + cluster.lsn();
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
        Run run = reading.run();
        if (run.isFirst()) {
            sink.startFile(run.file().path(), (long) run.file().blocks() * PAGE);
        }
        sink.write(reading.buffer(), 0, run.count() * PAGE);
        if (run.isLast()) {
            sink.endFile();
        }
    }
}
