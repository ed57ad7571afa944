package dev.palimpsest.storage.check;

import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.runtime.Tasks;
import java.nio.file.Path;

/**
 * How layers are read. At most {@code concurrency} layers are on the disk at once, each for as long as it is being read.
 *
 * @param io what they are read with
 * @param tasks what they are read by
 * @param temporary a directory of its own, which is there
 * @param concurrency how many are read at once, 1 or more
 */
public record DeepSettings(LayerIo io, Tasks tasks, Path temporary, int concurrency) {
    /** @throws IllegalArgumentException if none would be read at once */
    public DeepSettings {
        if (concurrency < 1) {
            throw new IllegalArgumentException("at least one layer is read at once, not " + concurrency);
        }
    }
}
