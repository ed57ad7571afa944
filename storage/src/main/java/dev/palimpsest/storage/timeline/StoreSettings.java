package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.FlushSettings;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import java.util.Optional;

/**
 * What an {@link EmbeddedStore} may take, and how it works. Memory is bounded by the sum of {@code blockCacheBytes},
 * {@code readBuffers × maxReadBytes}, {@code l0FlushConcurrency × l0FlushBufferBytes}, and the indexes of in-memory layers,
 * which take less than 48 bytes for each value in them; and, for each compaction at once, 1.25 times its target size of layers.
 *
 * @param disk how local files are read and written
 * @param timelines how timelines write and read
 * @param maxDirtyBytes how much all in-memory layers together may hold before the larger ones are frozen; 0 for any amount
 * @param blockCacheBytes what blocks of layer files are kept in, of indexes and of small values
 * @param readBuffers how many reads of layer files run at once
 * @param maxReadBytes how long one read of several values becomes
 * @param maxValueBytes the largest value; what claims to be larger is damaged
 * @param l0FlushConcurrency how many layers are flushed at once
 * @param l0FlushBufferBytes how much of a layer is loaded at once for its flush
 * @param writeBackBytes after how many bytes a layer file that is being written is synced in the background, and again
 * @param uploads how layers get into the object store
 * @param downloads how many layers that are read and not here are downloaded at once
 * @param background how timelines are compacted in the background; empty if they are not
 * @param eviction when layers leave the local disk; empty for never, as it should be where the object store is a directory on
 *     the same file system: there a layer file and its object are one file with two names, and to evict it frees nothing
 */
public record StoreSettings(
        LocalDiskSettings disk,
        TimelineConfig timelines,
        long maxDirtyBytes,
        long blockCacheBytes,
        int readBuffers,
        int maxReadBytes,
        int maxValueBytes,
        int l0FlushConcurrency,
        int l0FlushBufferBytes,
        long writeBackBytes,
        UploadSettings uploads,
        DownloadSettings downloads,
        Optional<BackgroundSettings> background,
        Optional<EvictionSettings> eviction) {

    /** For a process that shares a small machine: buffered I/O, at most 512 MiB of dirty values. */
    public static final StoreSettings DEFAULT = new StoreSettings(
            LocalDiskSettings.of(LocalDiskSettings.Mode.BUFFERED),
            TimelineConfig.DEFAULT,
            512L << 20,
            64L << 20,
            32,
            130 << 10,
            64 << 20,
            1,
            64 << 20,
            LayerIo.DEFAULT_WRITE_BACK_BYTES,
            UploadSettings.DEFAULT,
            DownloadSettings.DEFAULT,
            Optional.empty(),
            Optional.empty());

    /** The same with another way to write and read timelines. */
    public StoreSettings withTimelines(TimelineConfig timelines) {
        return with(disk, timelines, downloads, background, eviction);
    }

    /**
     * The same with compaction in the background. Where timelines have no thresholds for L0 layers they get some: three times
     * the number that is compacted for the delay, six times for the stall. Layers are flushed as L1 layers where that is better.
     */
    public StoreSettings withBackground(BackgroundSettings background) {
        return with(
                disk,
                timelines
                        .withBackPressure(background.compaction().l0Threshold())
                        .withL1Flush(Optional.of(FlushSettings.of(background.compaction()))),
                downloads,
                Optional.of(background),
                eviction);
    }

    /** The same with another way to use the disk. */
    public StoreSettings withDisk(LocalDiskSettings disk) {
        return with(disk, timelines, downloads, background, eviction);
    }

    /** The same with other bounds for downloads. */
    public StoreSettings withDownloads(DownloadSettings downloads) {
        return with(disk, timelines, downloads, background, eviction);
    }

    /** The same with layers that leave the local disk, or that never do. */
    public StoreSettings withEviction(Optional<EvictionSettings> eviction) {
        return with(disk, timelines, downloads, background, eviction);
    }

    private StoreSettings with(
            LocalDiskSettings otherDisk,
            TimelineConfig otherTimelines,
            DownloadSettings otherDownloads,
            Optional<BackgroundSettings> otherBackground,
            Optional<EvictionSettings> otherEviction) {
        return new StoreSettings(
                otherDisk,
                otherTimelines,
                maxDirtyBytes,
                blockCacheBytes,
                readBuffers,
                maxReadBytes,
                maxValueBytes,
                l0FlushConcurrency,
                l0FlushBufferBytes,
                writeBackBytes,
                uploads,
                otherDownloads,
                otherBackground,
                otherEviction);
    }
}
