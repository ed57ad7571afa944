package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code palimpsest demo}: the storage engine at work, without a PostgreSQL. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Show the storage engine at work: write a history of pages, overwrite them, branch from before, "
                + "stop, come back, and read every page at every moment. (The same on a live PostgreSQL is being "
                + "built on this.)")
final class DemoCommand implements Callable<Integer> {
    private static final TenantId TENANT = new TenantId(0x9a11, 1);
    private static final TimelineId MAIN = new TimelineId(0x9a11, 2);
    private static final TimelineId FIX = new TimelineId(0x9a11, 3);
    private static final Lsn START = new Lsn(0x1000000);
    private static final int PAGES = 2_000;
    private static final int ROUNDS = 10;
    private static final int PAGE = 8192;
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);

    /** Small layers, so that there are some to see. */
    private static final StoreSettings SETTINGS = StoreSettings.DEFAULT.withTimelines(
            new TimelineConfig(32 << 20, Duration.ofMinutes(10), 4, 0, 0, 256, Duration.ofMillis(100)));

    @Option(names = "--keep", description = "keep the directory, to look at it with the layer commands")
    private boolean keep;

    @Option(names = "--dir", description = "the directory to use; default: a new temporary one")
    private @Nullable Path directory;

    @Spec
    private CommandSpec spec;

    private EmbeddedStore open(Path where) throws StorageException {
        return EmbeddedStore.open(where, SETTINGS, (version, key, lsn, base, records) -> {
            throw new RedoException("the demo writes images only, yet " + key + " has records at " + lsn);
        });
    }

    @Override
    public Integer call() throws IOException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        out.println("This shows the storage engine alone: pages are made up, there is no PostgreSQL in it yet.");
        Path where = directory == null ? Files.createTempDirectory("palimpsest-demo-") : directory;
        try {
            Lsn beforeDisaster;
            try (EmbeddedStore store = open(where)) {
                beforeDisaster = write(store, out);
                branch(store, beforeDisaster, out);
            }
            try (EmbeddedStore store = open(where)) {
                boolean right = readEverything(store, beforeDisaster, out);
                tellWhatIsThere(where, out);
                return right ? 0 : 1;
            }
        } finally {
            out.flush();
            if (!keep && directory == null) {
                deleteAll(where);
            }
        }
    }

    /** The content of a page after a round: anything, as long as it can be known again. */
    private static byte[] page(int block, int round) {
        byte[] bytes = new byte[PAGE];
        new SplittableRandom((block * 31L) + round).nextBytes(bytes);
        return bytes;
    }

    private static Key key(int block) {
        return Key.of(0, 1663, 5, 16384, 0, block);
    }

    private static Lsn lsn(int block, int round) {
        return START.plus(8L * ((round * PAGES) + block + 1));
    }

    private Lsn write(EmbeddedStore store, PrintWriter out) throws StorageException {
        Timeline main = store.tenant(TENANT, CONTEXT).create(MAIN, START, 17, CONTEXT);
        out.printf("1. writing %d pages, %d times each, at growing LSNs ...%n", PAGES, ROUNDS);
        out.flush();
        long began = store.clock().nanos();
        for (int round = 0; round < ROUNDS; round++) {
            writeRound(main, round);
        }
        Lsn good = main.lastRecordLsn();
        writeDisaster(main);
        main.freezeAndFlush(CONTEXT);
        double seconds = (store.clock().nanos() - began) / 1e9;
        out.printf(
                "   %d MiB in %.1f s, all of it durable up to %s%n",
                ((long) PAGES * ROUNDS * PAGE) >> 20, seconds, main.diskConsistentLsn());
        out.printf("2. \"by accident\" every page was overwritten with zeros after %s%n", good);
        return good;
    }

    private static void writeRound(Timeline main, int round) throws StorageException {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int block = 0; block < PAGES; block++) {
            batch.putImage(key(block), lsn(block, round), ByteBuffer.wrap(page(block, round)));
            if (batch.count() == 100 || block == PAGES - 1) {
                put(main, batch, lsn(block, round));
            }
        }
    }

    private static void writeDisaster(Timeline main) throws StorageException {
        SerializedBatch.Builder batch = new SerializedBatch.Builder();
        for (int block = 0; block < PAGES; block++) {
            batch.putImage(key(block), lsn(block, ROUNDS), ByteBuffer.allocate(PAGE));
        }
        put(main, batch, lsn(PAGES - 1, ROUNDS));
    }

    private static void put(Timeline main, SerializedBatch.Builder batch, Lsn last) throws StorageException {
        try (TimelineWriter writer = main.writer(CONTEXT)) {
            writer.put(batch.build());
            writer.finish(last);
        }
        batch.clear();
    }

    private static void branch(EmbeddedStore store, Lsn at, PrintWriter out) throws StorageException {
        long began = store.clock().nanos();
        store.tenant(TENANT, CONTEXT).branch(FIX, MAIN, at, CONTEXT);
        out.printf(
                "3. branched from the moment before, %s, in %.1f ms; nothing was copied%n",
                at, (store.clock().nanos() - began) / 1e6);
    }

    private static boolean readEverything(EmbeddedStore store, Lsn beforeDisaster, PrintWriter out)
            throws StorageException {
        TenantTimelines tenant = store.tenant(TENANT, CONTEXT);
        Timeline main = tenant.timeline(MAIN);
        Timeline fix = tenant.timeline(FIX);
        out.printf(
                "4. the store was stopped and started again: main is at %s, the branch at %s%n",
                main.lastRecordLsn(), fix.lastRecordLsn());
        long began = store.clock().nanos();
        int wrong = 0;
        for (int block = 0; block < PAGES; block++) {
            for (int round = 0; round < ROUNDS; round++) {
                wrong +=
                        Arrays.equals(main.get(key(block), lsn(PAGES - 1, round), CONTEXT), page(block, round)) ? 0 : 1;
            }
            wrong += Arrays.equals(fix.get(key(block), beforeDisaster, CONTEXT), page(block, ROUNDS - 1)) ? 0 : 1;
            wrong += Arrays.equals(main.get(key(block), main.lastRecordLsn(), CONTEXT), new byte[PAGE]) ? 0 : 1;
        }
        int reads = PAGES * (ROUNDS + 2);
        double seconds = (store.clock().nanos() - began) / 1e9;
        out.printf(
                "5. read every page at every moment, and on the branch: %d pages compared, %d wrong, %.1f us a read%n",
                reads, wrong, seconds * 1e6 / reads);
        return wrong == 0;
    }

    private void tellWhatIsThere(Path where, PrintWriter out) throws IOException {
        Path layers = where.resolve("tenants")
                .resolve(TENANT.toString())
                .resolve("timelines")
                .resolve(MAIN.toString());
        out.printf(
                "   %d layer files hold all of it%n", LayerFiles.below(layers).size());
        if (keep || directory != null) {
            out.println("Look at them:");
            out.printf("  ./palimpsest layer map %s --svg layers.svg%n", layers);
            out.printf("  ./palimpsest layer verify %s%n", layers);
        } else {
            out.println("(With --keep the files stay, to be looked at with palimpsest layer.)");
        }
    }

    private static void deleteAll(Path where) throws IOException {
        try (Stream<Path> files = Files.walk(where)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
