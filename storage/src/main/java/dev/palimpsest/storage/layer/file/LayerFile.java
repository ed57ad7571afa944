package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.layer.LayerFileName;
import java.nio.file.Path;

/**
 * A layer file that was written completely.
 *
 * @param fileName the layer's name and the generation it was written under
 * @param path where it is
 * @param size its size in bytes
 */
public record LayerFile(LayerFileName fileName, Path path, long size) {}
