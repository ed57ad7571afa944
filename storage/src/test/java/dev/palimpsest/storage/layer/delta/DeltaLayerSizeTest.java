package dev.palimpsest.storage.layer.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.Layers;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.file.DirectorySync;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class DeltaLayerSizeTest {
    private static final LsnRange LSNS = new LsnRange(new Lsn(0x1000), new Lsn(0x1400));

    private static DeltaLayerWriter writer(Layers layers, long limit) throws StorageException {
        return new DeltaLayerWriter(
                layers.io, Layers.DIRECTORY, Layers.TENANT, Layers.TIMELINE, Key.MIN, LSNS, 1, limit);
    }

    @Test
    void aFileMayReachTheLimitButNotPassIt() throws StorageException {
        Layers layers = new Layers();
        try (DeltaLayerWriter writer = writer(layers, 6 * 8192)) {
            writer.put(Layers.key(0), LSNS.start(), ByteBuffer.allocate(3 * 8192 - 4), false);
            assertThat(writer.estimatedSize()).isEqualTo(6 * 8192);
            assertThatThrownBy(() -> writer.put(Layers.key(1), LSNS.start(), ByteBuffer.allocate(2 * 8192), false))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("the limit is 49152");
            assertThat(writer.finish(Key.MAX, Generation.NONE, DirectorySync.NOW)
                            .size())
                    .isEqualTo(6 * 8192);
        }
        Layers tight = new Layers();
        try (DeltaLayerWriter writer = writer(tight, 6 * 8192 - 1)) {
            writer.put(Layers.key(0), LSNS.start(), ByteBuffer.allocate(3 * 8192 - 4), false);
            assertThatThrownBy(() -> writer.finish(Key.MAX, Generation.NONE, DirectorySync.NOW))
                    .isInstanceOf(InvalidRequestException.class);
        }
        assertThat(tight.disk.list(Layers.DIRECTORY)).isEmpty();
    }
}
