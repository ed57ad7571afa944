package dev.palimpsest.cli;

import dev.palimpsest.storage.blob.BlockCache;
import dev.palimpsest.storage.blob.ReadBuffers;
import dev.palimpsest.storage.blob.ZstdContexts;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.file.LocalDisk;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.TimelineFile;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.runtime.SystemClock;
import dev.palimpsest.storage.runtime.VirtualThreadTasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the layer commands share: what to read with, and which files of a directory are layers. */
final class LayerFiles {
    private static final int CACHED_BLOCKS = 4096;
    private static final int READ_BYTES = 1 << 20;

    private LayerFiles() {}

    static RequestContext context() {
        return RequestContext.of(TaskKind.TOOL);
    }

    static LayerIo io() {
        VirtualThreadTasks tasks = new VirtualThreadTasks(new SystemClock());
        LocalDisk disk = new LocalDisk(LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED), tasks);
        return new LayerIo(
                disk,
                tasks,
                new BlockCache(CACHED_BLOCKS),
                new ReadBuffers(2 * READ_BYTES, 2, disk.alignment(), tasks),
                new ZstdContexts(2),
                READ_BYTES,
                (1 << 28) - 1,
                LayerIo.DEFAULT_WRITE_BACK_BYTES);
    }

    /** The file itself, or the layer files anywhere below a directory, sorted. */
    static List<Path> below(Path start) throws IOException {
        if (!Files.isDirectory(start)) {
            return List.of(start);
        }
        try (Stream<Path> files = Files.walk(start)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> isLayer(String.valueOf(file.getFileName())))
                    .sorted()
                    .toList();
        }
    }

    static LayerFileName name(Path file) {
        return LayerFileName.parse(String.valueOf(file.getFileName()));
    }

    private static boolean isLayer(String name) {
        return TimelineFile.classify(name) instanceof TimelineFile.Layer;
    }
}
