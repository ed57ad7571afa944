package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.DeltaLayerName;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.timeline.TimelineWriter;
import dev.palimpsest.storage.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** History of as many layers as one likes, without bytes: all but a few are names in the index part and empty objects. */
public final class ManyLayers {
    private static final int COLUMNS = 1000;
    private static final int PAGES_PER_COLUMN = 16;

    /** A relation that no PostgreSQL has by then, so that nobody reads the layers. */
    private static final int RELATION = 0x7f00_0000;

    private static final Lsn START = new Lsn(0x1000_0000L);

    /** What makes the timeline a branch that servers show. */
    private static final String BRANCH =
            "{\"name\":\"many-layers\",\"created\":\"2026-01-01T00:00:00Z\",\"attaching\":false,"
                    + "\"readableFrom\":\"" + START + "\",\"pgTimeline\":1}";

    private ManyLayers() {}

    /**
     * Makes a directory that a server can be started on, with one branch, {@code many-layers}.
     *
     * @param directory new or empty
     * @param layers how many the branch has, at least one
     */
    public static void make(Path directory, int layers) throws IOException, StorageException {
        RequestContext context = RequestContext.of(TaskKind.TOOL);
        try (EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, (_, key, _, _, _, _) -> {
            throw new RedoException("there is one image only, yet key " + key + " is to be redone");
        })) {
            Timeline timeline = store.tenant(new TenantId(1, 1), context)
                    .create(
                            new TimelineId(1, 1),
                            START,
                            PostgresVersion.V17.major(),
                            IndexPart.State.NONE.withExtension(BRANCH),
                            context);
            SerializedBatch.Builder batch = new SerializedBatch.Builder();
            batch.put(block(0), START, new Value.Image(new byte[PageLayout.PAGE_SIZE]));
            try (TimelineWriter writer = timeline.writer(context)) {
                writer.put(batch.build());
                writer.finish(START);
            }
            timeline.freezeAndFlush(context);
        }
        add(directory.resolve("objects"), layers);
    }

    /** Adds layers to the newest index part in a directory of objects until there are so many. */
    static void add(Path objects, int wanted) throws IOException, StorageException {
        Path file = newestIndexPart(objects);
        Generation generation = RemotePaths.indexPartGeneration(name(file)).orElseThrow();
        IndexPart part = IndexPartCodec.decode(Files.readAllBytes(file), file.toString());
        SortedMap<String, LayerMetadata> layers = new TreeMap<>(part.layers());
        Path directory = file.resolveSibling(".");
        long end = part.diskConsistentLsn().value();
        for (int i = 0; layers.size() < wanted; i++) {
            int column = i % COLUMNS * PAGES_PER_COLUMN;
            long top = end - (long) (i / COLUMNS) * Lsn.RECORD_ALIGNMENT;
            DeltaLayerName name = new DeltaLayerName(
                    new KeyRange(block(column), block(column + PAGES_PER_COLUMN)),
                    new LsnRange(new Lsn(top - Lsn.RECORD_ALIGNMENT), new Lsn(top)));
            if (layers.putIfAbsent(name.toString(), new LayerMetadata(0, generation, ShardIndex.UNSHARDED)) == null) {
                Files.createFile(directory.resolve(new LayerFileName(name, generation).remote()));
            }
        }
        Files.write(file, IndexPartCodec.encode(part.with(layers, part.metadata(), part.lineage())));
    }

    static Path newestIndexPart(Path objects) throws IOException {
        try (Stream<Path> files = Files.walk(objects)) {
            return files.filter(
                            file -> RemotePaths.indexPartGeneration(name(file)).isPresent())
                    .max(Comparator.comparing(
                            file -> RemotePaths.indexPartGeneration(name(file)).orElseThrow()))
                    .orElseThrow(() -> new IOException("there is no index part in " + objects));
        }
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static Key block(int number) {
        return Key.of(0, 1663, 5, RELATION, 0, number);
    }
}
