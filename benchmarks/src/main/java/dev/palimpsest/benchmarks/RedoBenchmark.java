package dev.palimpsest.benchmarks;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.postgres.redo.HintLogging;
import dev.palimpsest.postgres.redo.PageRedo;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalRecord;
import dev.palimpsest.postgres.wal.WalSegment;
import dev.palimpsest.postgres.wal.WalStreamDecoder;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Redo of a large insert's WAL: by PostgreSQL after a crash, and by us, from the same files, to pages in memory, on one
 * thread.
 *
 * <p>Both read the WAL from the kernel's page cache, check every record and redo what changes a relation's page. What
 * else PostgreSQL does is to write pages that fall out of its shared buffers, of which it has 2 GB, and to update the
 * commit log for a handful of transactions. In the end the pages of the largest relation are compared.
 */
public final class RedoBenchmark {
    private static final int BUFFER = 1 << 16;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /**
     * How long redo took.
     *
     * @param what who did it
     * @param records how many records
     * @param seconds from beginning to end
     * @param cpuSeconds of processor time
     * @param allocatedBytes by the thread, the pages included; -1 if not known
     * @param pages how many pages there were in the end; -1 if not known
     */
    public record Result(
            String what, long records, double seconds, double cpuSeconds, long allocatedBytes, long pages) {
        /** Records a second. */
        public double recordsPerSecond() {
            return records / seconds;
        }

        /** Records for each second of processor time. */
        public double recordsPerCpuSecond() {
            return records / cpuSeconds;
        }
    }

    /**
     * All of it.
     *
     * @param postgres the recovery
     * @param best our best round
     * @param comparedPages pages of the table that were compared
     * @param differentPages those that differ from what PostgreSQL's recovery left
     */
    public record Comparison(Result postgres, Result best, long comparedPages, long differentPages) {
        /** How many times as fast we are. */
        public double ratio() {
            return best.recordsPerSecond() / postgres.recordsPerSecond();
        }

        /** How many times as many records we redo for each second of processor time. */
        public double cpuRatio() {
            return best.recordsPerCpuSecond() / postgres.recordsPerCpuSecond();
        }
    }

    private final Path wal;
    private final WalPageHeader header;
    private final PostgresVersion version;
    private final Lsn start;
    private final Lsn last;
    private final PagesInMemory pages = new PagesInMemory();
    private long records;

    private RedoBenchmark(Path wal, Lsn start, Lsn last) throws IOException {
        this.wal = wal;
        this.start = start;
        this.last = last;
        this.header = firstHeader(wal);
        PostgresVersion known = header.version();
        if (known == null) {
            throw new IOException("the WAL in " + wal + " is of no version from 14 to 18");
        }
        this.version = known;
    }

    /**
     * Makes the WAL and redoes it.
     *
     * @param programs the directory with PostgreSQL's programs; null for the newest installed
     * @param directory where PostgreSQL's data goes; deleted afterwards
     * @param rows how many rows are inserted
     * @param rounds of our redo, in this process one after the other; the first one is cold
     * @param report gets each result as soon as it is known
     */
    public static Comparison run(
            @Nullable Path programs, Path directory, long rows, int rounds, Consumer<Result> report)
            throws IOException, RedoException {
        try (CrashedPostgres server =
                new CrashedPostgres(programs == null ? CrashedPostgres.newestInstalled() : programs, directory)) {
            server.fillAndCrash(rows);
            CrashedPostgres.Recovery recovery = server.recover();
            @Nullable Result best = null;
            @Nullable Result postgres = null;
            long[] compared = new long[2];
            for (int round = 0; round < rounds; round++) {
                RedoBenchmark benchmark =
                        new RedoBenchmark(server.wal(), Lsn.parse(recovery.start()), Lsn.parse(recovery.last()));
                Result result = benchmark.measure(round == 0 ? "palimpsest, cold" : "palimpsest");
                if (postgres == null) {
                    postgres = new Result(
                            "PostgreSQL", result.records, recovery.elapsedSeconds(), recovery.cpuSeconds(), -1, -1);
                    report.accept(postgres);
                    compared = benchmark.compare(server.data());
                }
                report.accept(result);
                best = best == null || result.seconds < best.seconds ? result : best;
            }
            if (postgres == null || best == null) {
                throw new IllegalArgumentException("there must be a round at least, not " + rounds);
            }
            return new Comparison(postgres, best, compared[0], compared[1]);
        }
    }

    private static WalPageHeader firstHeader(Path wal) throws IOException {
        try (var files = Files.list(wal)) {
            Path first = files.filter(file -> WalSegment.isName(String.valueOf(file.getFileName())))
                    .min(Path::compareTo)
                    .orElseThrow(() -> new IOException("there is no WAL in " + wal));
            try (InputStream in = Files.newInputStream(first)) {
                return WalPageHeader.decode(in.readNBytes(WalPageHeader.LONG_SIZE), 0);
            }
        }
    }

    private Result measure(String what) throws IOException, RedoException {
        long thread = Thread.currentThread().threadId();
        long allocated = THREADS.getThreadAllocatedBytes(thread);
        long cpu = THREADS.getCurrentThreadCpuTime();
        long began = System.nanoTime();
        redo();
        long ended = System.nanoTime();
        return new Result(
                what,
                records,
                (ended - began) / 1e9,
                (THREADS.getCurrentThreadCpuTime() - cpu) / 1e9,
                THREADS.getThreadAllocatedBytes(thread) - allocated,
                pages.count());
    }

    private void redo() throws IOException, RedoException {
        Lsn page = new Lsn(start.value() & -(long) WalPageHeader.PAGE_SIZE);
        WalStreamDecoder decoder = new WalStreamDecoder(version, header.segmentSize(), header.timeline(), page);
        WalRecord record = decoder.record();
        byte[] buffer = new byte[BUFFER];
        try (PageRedo redo = new PageRedo(HintLogging.OFF)) {
            long segmentStart = -1;
            @Nullable RandomAccessFile file = null;
            try {
                while (true) {
                    while (decoder.next()) {
                        if (record.startLsn() >= start.value()) {
                            records++;
                            apply(redo, record);
                            if (record.startLsn() == last.value()) {
                                return;
                            }
                        }
                    }
                    long position = decoder.feedPosition().value();
                    if (decoder.stopped() != null) {
                        throw new IOException(decoder.finish().describe());
                    }
                    long offset = position & header.segmentSize() - 1;
                    if (file == null || position - offset != segmentStart) {
                        segmentStart = position - offset;
                        if (file != null) {
                            file.close();
                        }
                        file = open(position);
                    }
                    file.seek(offset);
                    int read = file.read(buffer, 0, (int) Math.min(BUFFER, header.segmentSize() - offset));
                    decoder.feed(buffer, 0, read);
                }
            } finally {
                if (file != null) {
                    file.close();
                }
            }
        }
    }

    private RandomAccessFile open(long position) throws IOException {
        WalSegment segment = WalSegment.containing(new Lsn(position), header.timeline(), header.segmentSize());
        return new RandomAccessFile(wal.resolve(segment.fileName()).toFile(), "r");
    }

    private void apply(PageRedo redo, WalRecord record) throws RedoException {
        for (int id = 0, greatest = record.maxBlockId(); id <= greatest; id++) {
            if (record.hasBlock(id)) {
                redo.redo(pages.page(record, id), record, id);
            }
        }
    }

    /** How many pages of the largest relation could be compared with PostgreSQL's files, and how many differ. */
    private long[] compare(Path data) throws IOException {
        RelFileNode relation = pages.largest();
        Path first = data.resolve("base/" + relation.dbNode() + "/" + relation.relNode());
        long[] compared = new long[2];
        byte[] bytes = new byte[PageLayout.PAGE_SIZE];
        int block = 0;
        for (int part = 0; ; part++) {
            Path file = part == 0 ? first : first.resolveSibling(first.getFileName() + "." + part);
            if (!Files.exists(file)) {
                return compared;
            }
            try (InputStream in = Files.newInputStream(file)) {
                while (in.readNBytes(bytes, 0, bytes.length) == bytes.length) {
                    Page page = pages.find(relation, block++);
                    if (page != null) {
                        compared[0]++;
                        compared[1] += Arrays.equals(page.bytes(), bytes) ? 0 : 1;
                    }
                }
            }
        }
    }
}
