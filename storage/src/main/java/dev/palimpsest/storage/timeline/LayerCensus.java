package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.Layer;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.PersistentLayer;
import dev.palimpsest.storage.layer.memory.InMemoryLayer;
import dev.palimpsest.storage.layermap.LayerMap;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How many layers a timeline has of each level, and how large they are.
 *
 * @param memory in-memory layers, with the bytes of their values
 * @param l0 delta layers as they were flushed
 * @param l1 delta layers as compaction made them
 * @param images image layers
 * @param inherited layers of its ancestors that begin at or below where it branched off, which it shares with them
 */
public record LayerCensus(Level memory, Level l0, Level l1, Level images, Level inherited) {
    /**
     * The layers of one level.
     *
     * @param layers how many
     * @param bytes the size of their files, or of their values in memory
     */
    public record Level(int layers, long bytes) {
        private static Level of(Stream<Layer> layers) {
            List<Layer> all = layers.toList();
            return new Level(
                    all.size(), all.stream().mapToLong(LayerCensus::size).sum());
        }

        private Level plus(Level other) {
            return new Level(layers + other.layers, bytes + other.bytes);
        }
    }

    /** Counts. A snapshot: flushes and compaction go on. */
    public static LayerCensus of(Timeline timeline) {
        LayerMap<Layer> map = timeline.layers();
        Layer open = map.openLayer();
        Level inherited = new Level(0, 0);
        Timeline.@Nullable BranchPoint point = timeline.branchPoint();
        Lsn end = Lsn.MAX;
        while (point != null) {
            end = Lsn.min(end, point.lsn());
            Lsn last = end;
            inherited = inherited.plus(Level.of(point.ancestor()
                    .layers()
                    .historicLayers()
                    .filter(layer -> !layer.lsnStart().isAfter(last))));
            point = point.ancestor().branchPoint();
        }
        return new LayerCensus(
                Level.of(Stream.concat(Stream.ofNullable(open), map.frozenLayers().stream())),
                Level.of(map.historicLayers().filter(Layer::isL0)),
                Level.of(map.historicLayers().filter(layer -> layer.kind() == LayerKind.DELTA && !layer.isL0())),
                Level.of(map.historicLayers().filter(layer -> layer.kind() == LayerKind.IMAGE)),
                inherited);
    }

    /** All layer files of its own. */
    public Level files() {
        return l0.plus(l1).plus(images);
    }

    private static long size(Layer layer) {
        return switch (layer) {
            case PersistentLayer file -> file.size();
            case InMemoryLayer memory -> memory.size();
            default -> 0;
        };
    }
}
