package dev.palimpsest.benchmarks;

import dev.palimpsest.benchmarks.ModelLayer.ModelTable;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.compaction.CompactionSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * What the planners of compaction, images and GC make of synthetic workloads: write, read and space amplification over time. No
 * file is written: layers are {@linkplain ModelTimeline modelled}, decisions are the engine's. The same seed gives the same
 * numbers.
 */
public final class CompactionSimulation {
    private static final Lsn START = new Lsn(0x1000000);
    private static final int BUCKETS = 4096;
    private static final int QUARTERS = 4;
    private static final int SAMPLED_PAGES = 2000;
    private static final long GC_DISTANCE = 1L << 30;

    /** Of a bulk insert of narrow rows, by {@code bench bulk-insert}: bytes of WAL for each byte of the table. */
    private static final double WAL_PER_TABLE_BYTE = 1.8;

    /** How many values are drawn for an L0 layer; each stands for many. */
    private static final int DRAWS = 20_000;

    /** Flushes from one burst to the next; all but the last of them have little, since the time had come. */
    private static final int BURST_EVERY = 4;

    private static final int LITTLE = 16;

    private static final int BRANCHES = 20;
    /** What a branch writes in all, in so many L0 layers, for each of which the time had come. */
    private static final long BRANCH_BYTES = 192L << 20;

    private static final int BRANCH_FLUSHES = 24;

    private final Parameters parameters;
    private final Workload workload;
    private final SplittableRandom random;
    private final ModelTable table;
    private final ModelTimeline main;
    private final List<ModelTimeline> branches = new ArrayList<>();
    private final long firstPages;
    private long walBytes;
    private long branchWalBytes;

    /** What is written. */
    public enum Workload {
        /** A table that grows at its end, from nothing. */
        BULK_INSERT("bulk insert"),
        /** Records for any page, each as likely as another. */
        UNIFORM("uniform updates"),
        /** Nine of ten records are for one page of ten. */
        HOT_COLD("hot/cold 90/10"),
        /** One page after the other, again and again. */
        SEQUENTIAL("sequential updates"),
        /** Uniform updates that are flushed often, as they are few, and now and then many for one part of the table. */
        BURSTS("updates, bursts"),
        /** Uniform updates, and branches that each take a few and are kept. */
        BRANCHES("uniform, 20 branches");

        private final String text;

        Workload(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * What is simulated.
     *
     * @param settings of compaction
     * @param l0Bytes how large a layer in memory becomes
     * @param imageCheckDistance WAL bytes after which it is looked whether images are due
     * @param walBytes of each workload
     * @param tableBytes of the table that is updated
     * @param retainedBytes WAL bytes of history that GC keeps
     * @param imageShare what a page takes in an image layer, compressed, as a share of its size
     * @param seed of the workload
     */
    public record Parameters(
            CompactionSettings settings,
            long l0Bytes,
            long imageCheckDistance,
            long walBytes,
            long tableBytes,
            long retainedBytes,
            double imageShare,
            long seed) {}

    /**
     * What was measured at a moment.
     *
     * @param walBytes written until then
     * @param flushed bytes of L0 layers for each byte of WAL
     * @param compacted bytes of L1 layers for each byte of WAL
     * @param images bytes of image layers for each byte of WAL
     * @param l0 how many L0 layers there are
     * @param l1 how many L1 layers
     * @param imageLayers how many image layers
     * @param liveBytes of all layers
     * @param space these by the bytes of an image of all pages
     * @param p50 files that half of the reads of single pages visit at most, of those since the measurement before
     * @param p99 the same of 99 in 100
     * @param max the most
     */
    public record Row(
            Workload workload,
            long walBytes,
            double flushed,
            double compacted,
            double images,
            int l0,
            int l1,
            int imageLayers,
            long liveBytes,
            double space,
            int p50,
            int p99,
            int max) {
        /** Bytes written to layers for each byte of WAL. */
        public double written() {
            return flushed + compacted + images;
        }
    }

    private CompactionSimulation(Parameters parameters, Workload workload) {
        this.parameters = parameters;
        this.workload = workload;
        this.random = new SplittableRandom(parameters.seed());
        boolean grows = workload == Workload.BULK_INSERT;
        long bytes = grows ? (long) (parameters.walBytes() / WAL_PER_TABLE_BYTE) : parameters.tableBytes();
        this.table = new ModelTable(BUCKETS, (int) Math.max(1, bytes / PageLayout.PAGE_SIZE / BUCKETS));
        this.main = new ModelTimeline(table, parameters.settings(), parameters.imageShare(), START);
        this.firstPages = grows ? 0 : table.pages();
    }

    /** Simulates a workload, and gives four measurements, evenly spread over its WAL, to {@code out}. */
    public static void run(Parameters parameters, Workload workload, Consumer<Row> out) {
        new CompactionSimulation(parameters, workload).run(out);
    }

    private void run(Consumer<Row> out) {
        if (firstPages > 0) {
            main.importPages(firstPages);
        }
        List<Integer> visits = new ArrayList<>();
        long flushes = Math.max(QUARTERS, parameters.walBytes() / parameters.l0Bytes());
        long sinceGc = 0;
        for (long i = 0; i < flushes; i++) {
            long bytes = workload == Workload.BURSTS && i % BURST_EVERY > 0
                    ? parameters.l0Bytes() / LITTLE
                    : parameters.l0Bytes();
            fill(i, flushes, bytes);
            main.flush(main.flushedTo().plus(bytes), workload == Workload.BULK_INSERT);
            walBytes += bytes;
            sinceGc += bytes;
            main.compact(pages(), parameters.imageCheckDistance());
            if (workload == Workload.BRANCHES && i % Math.max(1, flushes / BRANCHES) == 0) {
                writeBranch();
            }
            if (sinceGc >= GC_DISTANCE) {
                sinceGc = 0;
                collectGarbage();
            }
            sample(visits, SAMPLED_PAGES / 10);
            if ((i + 1) * QUARTERS / flushes > i * QUARTERS / flushes) {
                out.accept(measure(visits));
                visits.clear();
            }
        }
    }

    private void fill(long flush, long flushes, long bytes) {
        int buckets = table.buckets();
        if (workload == Workload.BURSTS && bytes == parameters.l0Bytes()) {
            int count = buckets / 10;
            int first = random.nextInt(buckets - count);
            for (int i = 0; i < count; i++) {
                main.put(first + i, bytes / count);
            }
            return;
        }
        if (workload == Workload.BULK_INSERT || workload == Workload.SEQUENTIAL) {
            double perFlush = workload == Workload.BULK_INSERT
                    ? (double) buckets / flushes
                    : bytes / WAL_PER_TABLE_BYTE / PageLayout.PAGE_SIZE / table.pagesPerBucket();
            long first = (long) (flush * perFlush);
            long count = Math.max(1, (long) ((flush + 1) * perFlush) - first);
            for (long i = 0; i < count; i++) {
                main.put((int) ((first + i) % buckets), bytes / count);
            }
            return;
        }
        int hot = buckets / 10;
        for (int i = 0; i < DRAWS; i++) {
            boolean isHot = workload == Workload.HOT_COLD && random.nextInt(10) > 0;
            main.put(random.nextInt(isHot ? hot : buckets), bytes / DRAWS);
        }
    }

    private void writeBranch() {
        ModelTimeline branch = main.branch();
        branches.add(branch);
        long bytes = BRANCH_BYTES / BRANCH_FLUSHES;
        for (int i = 0; i < BRANCH_FLUSHES; i++) {
            for (int value = 0; value < DRAWS / 20; value++) {
                branch.put(random.nextInt(table.buckets()), bytes / (DRAWS / 20));
            }
            branch.flush(branch.flushedTo().plus(bytes), false);
            branch.compact(pages(), parameters.imageCheckDistance());
            branchWalBytes += bytes;
        }
    }

    private void collectGarbage() {
        long history = main.flushedTo().bytesSince(START);
        if (history > parameters.retainedBytes()) {
            main.collectGarbage(
                    main.flushedTo().minus(parameters.retainedBytes()),
                    branches.stream().map(ModelTimeline::branchedAt).toList());
        }
    }

    private long pages() {
        return workload == Workload.BULK_INSERT
                ? Math.max(1, (long) (table.pages() * ((double) walBytes / parameters.walBytes())))
                : table.pages();
    }

    /** Where the record is that made a page: pages of a bulk insert are made one after the other. */
    private Lsn born(long page) {
        return firstPages > 0
                ? Lsn.INVALID
                : START.plus((long) ((double) page / table.pages() * parameters.walBytes()));
    }

    private void sample(List<Integer> visits, int count) {
        for (int i = 0; i < count; i++) {
            long page = random.nextLong(pages());
            ModelTimeline read =
                    branches.isEmpty() || random.nextBoolean() ? main : branches.get(random.nextInt(branches.size()));
            visits.add(read.filesVisited(page, born(page)));
        }
    }

    private Row measure(List<Integer> visits) {
        int[] sorted = visits.stream().mapToInt(Integer::intValue).sorted().toArray();
        ModelTimeline.Size size = main.size();
        long flushed = main.written().flushed;
        long compacted = main.written().compacted;
        long images = main.written().images;
        for (ModelTimeline branch : branches) {
            size = size.plus(branch.size());
            flushed += branch.written().flushed;
            compacted += branch.written().compacted;
            images += branch.written().images;
        }
        double wal = (double) walBytes + branchWalBytes;
        long live = size.deltaBytes() + size.imageBytes();
        return new Row(
                workload,
                walBytes + branchWalBytes,
                flushed / wal,
                compacted / wal,
                images / wal,
                size.l0(),
                size.l1(),
                size.images(),
                live,
                live / (pages() * parameters.imageShare() * PageLayout.PAGE_SIZE),
                sorted[sorted.length / 2],
                sorted[Math.min(sorted.length - 1, sorted.length * 99 / 100)],
                Arrays.stream(sorted).max().orElse(0));
    }
}
