package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.TimelineWriter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A process that writes until it is killed, and says on its standard output what it was told is durable: lines {@code durable
 * LSN} for the root and {@code branch LSN} for a branch that was created. Takes a directory and a seed.
 */
final class CrashingWriter {
    static final TenantId TENANT = new TenantId(1, 2);
    static final TimelineId ROOT = new TimelineId(3, 4);
    static final Lsn START = new Lsn(0x1000);
    static final int KEYS = 200;

    /** Small layers, so that a kill hits every stage of a flush. */
    static final StoreSettings SETTINGS = StoreSettings.DEFAULT.withTimelines(
            new TimelineConfig(64 << 10, Duration.ofMillis(50), 3, 0, 0, 256, Duration.ofMillis(1)));

    private CrashingWriter() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        long seed = Long.parseLong(arguments[1]);
        PrintStream out = System.out;
        RequestContext context = RequestContext.of(TaskKind.INGEST);
        try (EmbeddedStore store = EmbeddedStore.open(directory, SETTINGS, new AppendingRedo())) {
            TenantTimelines tenant = store.tenant(TENANT, context);
            Timeline root = tenant.all().stream().anyMatch(t -> t.id().equals(ROOT))
                    ? tenant.timeline(ROOT)
                    : tenant.create(ROOT, START, 17, context);
            say(out, "durable " + root.remoteConsistentLsn());
            write(root, tenant, History.root(seed, START, KEYS), out, context);
        }
    }

    private static void write(
            Timeline root, TenantTimelines tenant, History history, PrintStream out, RequestContext context)
            throws Exception {
        SerializedBatch.Builder builder = new SerializedBatch.Builder();
        Lsn told = Lsn.INVALID;
        for (int i = 1; ; i++) {
            History.Entry entry = history.after(root.lastRecordLsn());
            builder.clear();
            for (History.Change change : entry.changes()) {
                builder.put(change.key(), entry.lsn(), change.value());
            }
            try (TimelineWriter writer = root.writer(context)) {
                writer.put(builder.build());
                writer.finish(entry.lsn(), entry.previous());
            }
            if (i % 500 == 0) {
                root.freezeAndFlush(context);
            }
            if (i % 2000 == 0) {
                TimelineId id = new TimelineId(5, root.lastRecordLsn().value());
                tenant.branch(id, ROOT, root.lastRecordLsn(), context);
                say(out, "branch " + root.lastRecordLsn());
            }
            Lsn durable = root.remoteConsistentLsn();
            if (durable.isAfter(told)) {
                told = durable;
                say(out, "durable " + durable);
            }
        }
    }

    /** In one write, so that what is read is never half a line. */
    private static void say(PrintStream out, String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.US_ASCII);
        out.write(bytes, 0, bytes.length);
        out.flush();
    }
}
