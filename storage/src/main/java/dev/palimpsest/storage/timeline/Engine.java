package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.memory.InMemoryLayers;
import dev.palimpsest.storage.layer.memory.L0Flush;
import dev.palimpsest.storage.layer.residency.DownloadQueue;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Signal;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What all timelines of a process share.
 *
 * @param environment clock, tasks, randomness
 * @param disk where local files are
 * @param objects where the durable state is
 * @param layerIo what layer files are read and written with
 * @param inMemoryLayers opens layers for writes, and accounts for all that are open
 * @param l0Flush bounds the flushes that run at once
 * @param uploads bounds the uploads that run at once
 * @param redo applies records to pages
 * @param settings how timelines write and read
 * @param denseKeys names the keys that images are made of
 * @param layerGauges tells how many layers there are
 * @param operations tells how long work takes
 * @param downloads whose turn it is to be downloaded
 * @param uniqueNumbers makes the names of temporary files differ
 */
public record Engine(
        Environment environment,
        Disk disk,
        ObjectStore objects,
        LayerIo layerIo,
        InMemoryLayers inMemoryLayers,
        L0Flush l0Flush,
        LayerUploads uploads,
        WalRedo redo,
        LiveSettings settings,
        DenseKeys denseKeys,
        LayerGauges layerGauges,
        OperationMetrics operations,
        DownloadQueue downloads,
        AtomicLong uniqueNumbers) {

    /** The same for a tenant, which may have settings of its own. */
    Engine ofTenant() {
        return new Engine(
                environment,
                disk,
                objects,
                layerIo,
                inMemoryLayers,
                l0Flush,
                uploads,
                redo,
                settings.ofAnotherTenant(),
                denseKeys,
                layerGauges,
                operations,
                downloads,
                uniqueNumbers);
    }

    /** How timelines write and read now. */
    TimelineConfig config() {
        return settings.timelines();
    }

    Signal newSignal() {
        return environment.tasks().newSignal();
    }
}
