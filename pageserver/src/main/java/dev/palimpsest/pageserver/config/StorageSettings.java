package dev.palimpsest.pageserver.config;

import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistorySettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The settings of the engine: where history is kept, memory, disk, transfers, compaction. Each says itself what it means. */
public final class StorageSettings {
    private static final SettingList LIST = new SettingList();
    private static final Duration NO_TIME = Duration.ofMillis(1);
    private static final Duration LONG_TIME = Duration.ofDays(365);
    private static final int MANY = 1_000_000;
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final long TIB = 1L << 40;

    /** Whether the kernel buffers files. */
    public enum IoMode {
        /** It does. */
        BUFFERED,
        /** It does not. */
        DIRECT
    }

    /** What a bucket's service decides at a put. */
    public enum Conditions {
        /** It is asked when it is opened. */
        PROBE,
        /** Everything. */
        ALL,
        /** Whether there is an object already. */
        IF_ABSENT,
        /** Nothing. */
        NONE
    }

    public static final Setting<IoMode> VIRTUAL_FILE_IO_MODE = LIST.add(
            "virtual_file_io_mode",
            Kind.choice(IoMode.class),
            IoMode.BUFFERED,
            "Whether local files are read and written through the kernel's page cache, or past it.");

    public static final Setting<Integer> MAX_FILE_DESCRIPTORS = LIST.add(
            "max_file_descriptors",
            Kind.number(1, MANY),
            1000,
            "How many files opened for reading hold a descriptor at once.");

    public static final Setting<Long> MAX_DIRTY_BYTES = LIST.add(
            "max_dirty_bytes",
            Kind.bytes(MIB, TIB),
            512 * MIB,
            "How much all in-memory layers together may hold before the larger ones are frozen.");

    public static final Setting<Long> BLOCK_CACHE_SIZE = LIST.add(
            "block_cache_size",
            Kind.bytes(MIB, TIB),
            64 * MIB,
            "The memory for blocks of layer files: three quarters for indexes, a quarter for small values.");

    public static final Setting<Integer> READ_BUFFERS =
            LIST.add("read_buffers", Kind.number(1, 4096), 32, "How many reads of layer files run at once.");

    public static final Setting<Long> MAX_VECTORED_READ_BYTES = LIST.add(
            "max_vectored_read_bytes",
            Kind.bytes(16 * KIB, 64 * MIB),
            130 * KIB,
            "How long one read of several values becomes.");

    public static final Setting<Integer> L0_FLUSH_CONCURRENCY =
            LIST.add("l0_flush_concurrency", Kind.number(1, 1024), 1, "How many layers are flushed at once.");

    public static final Setting<Long> L0_FLUSH_BUFFER_SIZE = LIST.add(
            "l0_flush_buffer_size",
            Kind.bytes(MIB, GIB),
            64 * MIB,
            "How much of a layer is loaded into memory at once for its flush.");

    public static final Setting<Long> WRITE_BACK_SIZE = LIST.add(
            "write_back_size",
            Kind.bytes(64 * KIB, TIB),
            16 * MIB,
            "After how many bytes a layer file that is being written is synced in the background, and again.");

    public static final Setting<Integer> UPLOAD_CONCURRENCY =
            LIST.add("upload_concurrency", Kind.number(1, 1024), 8, "How many layers are uploaded at once.");

    public static final Setting<Long> MAX_UPLOAD_BACKLOG = LIST.add(
            "max_upload_backlog",
            Kind.bytes(1, 1024 * TIB),
            2 * GIB,
            "How many bytes of a branch's layers may wait for their upload before flushes wait for it.");

    public static final Setting<Duration> UPLOAD_RETRY_PAUSE = LIST.add(
            "upload_retry_pause",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMillis(250),
            "How long a failed upload waits before it is tried again; doubles up to 64 times that.");

    public static final Setting<Integer> DOWNLOAD_CONCURRENCY = LIST.add(
            "download_concurrency",
            Kind.number(1, 1024),
            8,
            "How many layers that are read and not here are downloaded at once.");

    public static final Setting<Integer> BACKGROUND_DOWNLOAD_CONCURRENCY = LIST.add(
            "background_download_concurrency",
            Kind.number(1, 1024),
            4,
            "How many of them at most for work that nobody waits for; no more than download_concurrency.");

    public static final Setting<Long> MAX_DOWNLOAD_BYTES = LIST.add(
            "max_download_bytes",
            Kind.bytes(1, 1024 * TIB),
            GIB,
            "How large all layers that are being downloaded may be together; a larger one comes alone.");

    public static final Setting<Integer> IMAGE_COMPRESSION = LIST.add(
            "image_compression",
            Kind.compression(),
            1,
            "How images of pages are compressed: disabled, zstd, or zstd(LEVEL) with a level from 1, the "
                    + "fastest, to 22.");

    public static final Setting<Integer> COMPACTION_CONCURRENCY =
            LIST.add("compaction_concurrency", Kind.number(1, 1024), 1, "How many branches are compacted at once.");

    public static final Setting<Path> REMOTE_LOCAL_PATH = LIST.add(
            "remote_storage.local_path",
            Kind.path(),
            null,
            "A directory that history is kept in. Without it and bucket_name, history is kept in directory.");

    public static final Setting<String> REMOTE_BUCKET_NAME = LIST.add(
            "remote_storage.bucket_name",
            Kind.text(),
            null,
            "A bucket that history is kept in. Credentials are found as AWS's own tools find them.");

    public static final Setting<String> REMOTE_PREFIX = LIST.add(
            "remote_storage.prefix_in_bucket",
            Kind.text(),
            null,
            "What the names of all objects in the bucket begin with.");

    public static final Setting<String> REMOTE_REGION = LIST.add(
            "remote_storage.bucket_region",
            Kind.text(),
            null,
            "The bucket's region, where AWS's own settings do not say it.");

    public static final Setting<String> REMOTE_ENDPOINT = LIST.add(
            "remote_storage.endpoint",
            Kind.text(),
            null,
            "URL of the bucket's service, if that is not AWS: such as MinIO, R2 or Ceph.");

    public static final Setting<String> REMOTE_PROFILE = LIST.add(
            "remote_storage.profile",
            Kind.text(),
            null,
            "The profile in AWS's shared files that credentials and region are taken from.");

    public static final Setting<Boolean> REMOTE_PATH_STYLE = LIST.add(
            "remote_storage.path_style",
            Kind.truth(),
            null,
            "Whether the bucket is in the path of URLs, not in the name of their host. Where it is not "
                    + "said: with an endpoint only.");

    public static final Setting<Conditions> REMOTE_CONDITIONAL_PUTS = LIST.add(
            "remote_storage.conditional_puts",
            Kind.choice(Conditions.class),
            Conditions.PROBE,
            "What the bucket's service decides at a put; probe asks it when it is opened.");

    public static final Setting<Boolean> REMOTE_ALLOW_UNGUARDED = LIST.add(
            "remote_storage.allow_unguarded",
            Kind.truth(),
            false,
            "Whether the bucket is used even if its service decides no conditions of puts: then only a heartbeat in an "
                    + "object keeps two servers apart.");

    public static final Setting<Integer> REMOTE_UPLOAD_CALLS = LIST.add(
            "remote_storage.upload_calls", Kind.number(1, 10_000), 16, "How many puts and deletes run at once.");

    public static final Setting<Integer> REMOTE_DOWNLOAD_CALLS =
            LIST.add("remote_storage.download_calls", Kind.number(1, 10_000), 32, "How many other calls run at once.");

    public static final Setting<Integer> REMOTE_RESERVED_CALLS = LIST.add(
            "remote_storage.reserved_calls",
            Kind.number(0, 10_000),
            8,
            "How many of download_calls only reads may take that a client waits for; fewer than download_calls.");

    public static final Setting<Duration> REMOTE_TIMEOUT = LIST.add(
            "remote_storage.timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(1),
            "How long a call may take, besides the time for its bytes at min_rate.");

    public static final Setting<Long> REMOTE_MIN_RATE = LIST.add(
            "remote_storage.min_rate",
            Kind.bytes(1, TIB),
            256 * KIB,
            "The slowest pace that is put up with, in bytes a second.");

    public static final Setting<Integer> REMOTE_ATTEMPTS = LIST.add(
            "remote_storage.attempts", Kind.number(1, 1000), 8, "How often a call is made at most, with the first.");

    public static final Setting<Duration> REMOTE_FIRST_PAUSE = LIST.add(
            "remote_storage.first_pause",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMillis(100),
            "The pause before the second attempt; doubles before each further one.");

    public static final Setting<Duration> REMOTE_LONGEST_PAUSE = LIST.add(
            "remote_storage.longest_pause",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofSeconds(10),
            "The longest pause between attempts; no shorter than first_pause.");

    public static final Setting<Long> EVICTION_MAX_LOCAL_BYTES = LIST.add(
            "disk_usage_based_eviction.max_local_bytes",
            Kind.bytes(0, 1024 * TIB),
            null,
            "How much layer files may take of the local disk, with remote_storage only: what was read longest ago goes, and "
                    + "comes back when it is read. For a while there may be more: what is being read, downloaded or not "
                    + "uploaded yet. Where it is not said: no limit.");

    public static final Setting<Long> EVICTION_MIN_AVAIL_BYTES = LIST.add(
            "disk_usage_based_eviction.min_avail_bytes",
            Kind.bytes(0, 1024 * TIB),
            null,
            "How much room the file system of directory is to have, by letting layer files go, with remote_storage only. "
                    + "Where it is not said: 2000000000 bytes if history is in a bucket, and else 0.");

    public static final Setting<Duration> EVICTION_PERIOD = LIST.add(
            "disk_usage_based_eviction.period",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(1),
            "How often these limits are looked at.");

    public static final Setting<Duration> EVICTION_IDLE = LIST.add(
            "tenant_config.eviction_threshold",
            Kind.time(NO_TIME, LONG_TIME),
            null,
            "After what time without a read a layer leaves the local disk whatever its limits. Where it is not said: never.");

    public static final Setting<Duration> EVICTION_IDLE_COVERED = LIST.add(
            "tenant_config.eviction_threshold_covered",
            Kind.time(NO_TIME, LONG_TIME),
            null,
            "The same for a layer that newer images cover, which only reads of older LSNs need.");

    public static final Setting<Long> MIN_RESIDENT_SIZE = LIST.add(
            "tenant_config.min_resident_size",
            Kind.bytes(0, 1024 * TIB),
            256 * MIB,
            "How much of each branch goes last, when nothing else is left: what was read last of what reads may need.");

    public static final Setting<Long> CHECKPOINT_DISTANCE = LIST.add(
            "tenant_config.checkpoint_distance",
            Kind.bytes(64 * KIB, 4 * GIB),
            256 * MIB,
            "WAL bytes, and also bytes of values, after which the open layer is frozen.");

    public static final Setting<Duration> CHECKPOINT_TIMEOUT = LIST.add(
            "tenant_config.checkpoint_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(10),
            "How long a layer with values in it stays open at most.");

    public static final Setting<Integer> MAX_FROZEN_LAYERS = LIST.add(
            "tenant_config.max_frozen_layers",
            Kind.number(1, 1000),
            4,
            "How many frozen layers may wait for their flush before ingest waits too.");

    public static final Setting<Integer> L0_FLUSH_DELAY_THRESHOLD = LIST.add(
            "tenant_config.l0_flush_delay_threshold",
            Kind.number(0, MANY),
            0,
            "At how many L0 layers a flush is followed by a pause as long as it took; 0 for three times "
                    + "compaction_threshold.");

    public static final Setting<Integer> L0_FLUSH_STALL_THRESHOLD = LIST.add(
            "tenant_config.l0_flush_stall_threshold",
            Kind.number(0, MANY),
            0,
            "At how many L0 layers no layer is flushed until there are fewer; 0 for six times "
                    + "compaction_threshold.");

    public static final Setting<Boolean> FLUSH_AS_L1 = LIST.add(
            "tenant_config.flush_as_l1",
            Kind.truth(),
            true,
            "Whether a layer in memory that has much for few pages, as of a bulk load, is written as L1 layers at once; else it "
                    + "is an L0 layer first, as all others, and compaction writes it once more.");

    public static final Setting<Duration> HEATMAP_PERIOD = LIST.add(
            "tenant_config.heatmap_period",
            Kind.time(Duration.ZERO, LONG_TIME),
            Duration.ZERO,
            "How often to write into remote_storage which layers are here, for servers that have the tenant as secondary; 0 for "
                    + "never. Counts where a tenant has it of its own.");

    public static final Setting<Duration> PITR_INTERVAL = LIST.add(
            "tenant_config.pitr_interval",
            Kind.time(Duration.ZERO, LONG_TIME),
            RetentionSettings.DEFAULT.pitrInterval(),
            "To any moment of the last so long one can go back; 0 for no such promise. A branch can have its own.");

    public static final Setting<Long> GC_HORIZON = LIST.add(
            "tenant_config.gc_horizon",
            Kind.bytes(0, 1024 * TIB),
            RetentionSettings.DEFAULT.gcHorizon(),
            "So many bytes of WAL before the end of a branch are kept, whatever their age. A branch can have its own.");

    public static final Setting<Duration> GC_PERIOD = LIST.add(
            "tenant_config.gc_period",
            Kind.time(Duration.ZERO, LONG_TIME),
            RetentionSettings.DEFAULT.gcPeriod(),
            "How often history that need not be kept is removed; 0 for never by itself.");

    public static final Setting<Boolean> GC_COMPACTION_ENABLED = LIST.add(
            "tenant_config.gc_compaction_enabled",
            Kind.truth(),
            RetentionSettings.DEFAULT.historyCompacted(),
            "Whether layers below what is kept for its age or size are rewritten after GC, so that they have only what branches"
                    + " and leases need there; not where gc_period is 0.");

    public static final Setting<Integer> GC_COMPACTION_INITIAL_THRESHOLD_KB = LIST.add(
            "tenant_config.gc_compaction_initial_threshold_kb",
            Kind.number(0, Integer.MAX_VALUE),
            (int) (HistorySettings.DEFAULT.initialBytes() / KIB),
            "That is done for the first time once so many KiB of layers are there.");

    public static final Setting<Integer> GC_COMPACTION_RATIO_PERCENT = LIST.add(
            "tenant_config.gc_compaction_ratio_percent",
            Kind.number(1, MANY),
            HistorySettings.DEFAULT.ratioPercent(),
            "And again once the layers that came there since are so many percent of those that the last time has left.");

    public static final Setting<Duration> LSN_LEASE_LENGTH = LIST.add(
            "tenant_config.lsn_lease_length",
            Kind.time(NO_TIME, LONG_TIME),
            RetentionSettings.DEFAULT.leaseLength(),
            "How long a lease of an LSN lasts. For so long after a tenant was loaded nothing of it is removed: leases are in memory.");

    public static final Setting<Duration> COMPACTION_PERIOD = LIST.add(
            "tenant_config.compaction_period",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofSeconds(1),
            "How often to look for layers to compact when there are none.");

    public static final Setting<Integer> COMPACTION_THRESHOLD = LIST.add(
            "tenant_config.compaction_threshold",
            Kind.number(1, MANY),
            CompactionSettings.DEFAULT.l0Threshold(),
            "How many L0 layers there must be before any is compacted.");

    public static final Setting<Long> COMPACTION_MAX_INPUT_SIZE = LIST.add(
            "tenant_config.compaction_max_input_size",
            Kind.bytes(MIB, 1024 * TIB),
            5 * GIB,
            "How many bytes of L0 layers are compacted at once, the first not counted.");

    public static final Setting<Long> COMPACTION_TARGET_SIZE = LIST.add(
            "tenant_config.compaction_target_size",
            Kind.bytes(64 * KIB, 4 * GIB),
            128 * MIB,
            "About how large layers become. A compaction takes up to 1.25 times that in memory.");

    public static final Setting<Integer> IMAGE_CREATION_THRESHOLD = LIST.add(
            "tenant_config.image_creation_threshold",
            Kind.number(1, MANY),
            CompactionSettings.DEFAULT.imageThreshold(),
            "How many deltas must lie one upon another before a range of keys gets images.");

    public static final Setting<Integer> MAX_RECORDS_PER_KEY = LIST.add(
            "tenant_config.max_records_per_key",
            Kind.number(1, MANY),
            256,
            "A page with more WAL records than this upon its last image gets an image when they are compacted.");

    public static final Setting<Long> IMAGE_CHECK_DISTANCE = LIST.add(
            "tenant_config.image_check_distance",
            Kind.bytes(1, 1024 * TIB),
            512 * MIB,
            "WAL bytes after which it is looked whether images are due.");

    public static final Setting<Duration> IMAGE_CHECK_PERIOD = LIST.add(
            "tenant_config.image_check_period",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(10),
            "Time after which that is looked if there is any WAL.");

    public static final Setting<List<String>> THROTTLE_TASK_KINDS = LIST.reloadable(
            "tenant_config.timeline_get_throttle.task_kinds",
            Kind.names(List.of("PageRequestHandler")),
            List.of(),
            "Whether each tenant may make only so many requests a second for pages and the like, over either protocol: "
                    + "[\"PageRequestHandler\"] if so. Requests that are too many wait. A tenant can have the table of its own.");

    public static final Setting<Integer> THROTTLE_INITIAL = LIST.reloadable(
            "tenant_config.timeline_get_throttle.initial",
            Kind.number(0, Integer.MAX_VALUE),
            0,
            "How many requests a tenant may make at first besides.");

    public static final Setting<Duration> THROTTLE_REFILL_INTERVAL = LIST.reloadable(
            "tenant_config.timeline_get_throttle.refill_interval",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofSeconds(1),
            "How long it takes until a tenant may make refill_amount more.");

    public static final Setting<Integer> THROTTLE_REFILL_AMOUNT = LIST.reloadable(
            "tenant_config.timeline_get_throttle.refill_amount",
            Kind.number(0, Integer.MAX_VALUE),
            0,
            "How many requests a tenant may make in refill_interval; at least 1 where there is a limit.");

    public static final Setting<Integer> THROTTLE_MAX = LIST.reloadable(
            "tenant_config.timeline_get_throttle.max",
            Kind.number(0, Integer.MAX_VALUE),
            0,
            "How many requests a tenant that was silent may make at once; at least 1 where there is a limit.");

    private StorageSettings() {}

    static List<Setting<?>> all() {
        return LIST.all();
    }
}
