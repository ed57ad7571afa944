package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LsnRange;
import dev.palimpsest.storage.layer.delta.DeltaLayerWriter;
import dev.palimpsest.storage.layer.file.DirectorySync;
import dev.palimpsest.storage.layer.file.LayerFile;
import java.util.ArrayList;
import java.util.List;

/** The delta layers that one frozen layer is written as: all of them, or none. Used by one flush. */
final class FileSet {
    private final TimelineId timeline;
    private final LsnRange lsns;
    private final InMemoryLayer.L0Target target;
    private final List<LayerFile> finished = new ArrayList<>();

    FileSet(TimelineId timeline, LsnRange lsns, InMemoryLayer.L0Target target) {
        this.timeline = timeline;
        this.lsns = lsns;
        this.target = target;
    }

    /**
     * Writes a file for each range with values.
     *
     * @throws IllegalArgumentException if the ranges do not ascend or leave a key out
     * @throws StorageException if one could not be written; those that were are deleted
     */
    List<LayerFile> write(List<KeyRange> ranges, SortedKeys keys, LayerCopier copier) throws StorageException {
        try {
            int from = 0;
            for (KeyRange range : ranges) {
                int to = keys.firstFrom(range.end());
                if (keys.firstFrom(range.start()) != from || to < from) {
                    throw leftOut(ranges);
                }
                if (to > from) {
                    write(range, keys, from, to, copier);
                }
                from = to;
            }
            if (from < keys.count()) {
                throw leftOut(ranges);
            }
            return finished;
        } catch (StorageException | RuntimeException e) {
            deleteFinished(e);
            throw e;
        }
    }

    private void write(KeyRange range, SortedKeys keys, int from, int to, LayerCopier copier) throws StorageException {
        try (DeltaLayerWriter writer = new DeltaLayerWriter(
                target.io(), target.directory(), target.tenant(), timeline, range.start(), lsns, target.unique())) {
            copier.copy(keys, from, to, writer::putBlobs);
            // The last one makes all names durable.
            boolean isLast = to == keys.count();
            finished.add(writer.finish(
                    range.end(), target.generation(), isLast ? target.directorySync() : DirectorySync.LEFT_TO_CALLER));
        }
    }

    private static IllegalArgumentException leftOut(List<KeyRange> ranges) {
        return new IllegalArgumentException(
                "keys of a frozen layer are not in one of the ranges it is divided into, each: " + ranges);
    }

    private void deleteFinished(Exception reason) {
        for (LayerFile file : finished) {
            try {
                target.io().disk().delete(file.path());
            } catch (DiskException e) {
                reason.addSuppressed(e); // the next start deletes it
            }
        }
    }
}
