package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.StorageSettings;
import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.config.Units;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.FlushSettings;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.timeline.TenantSettings;
import dev.palimpsest.storage.timeline.TimelineConfig;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/**
 * What counts for tenants that have nothing of their own.
 *
 * @param timelines how they write and read
 * @param compaction when they are compacted, and what layers become
 * @param retention what of their history is kept
 */
public record TenantDefaults(TimelineConfig timelines, CompactionSettings compaction, RetentionSettings retention) {
    private static final long KIB = 1024;

    /** What the engine takes of a tenant's own settings. */
    TenantSettings engineSettings(TenantConfiguration own) {
        return new TenantSettings(servers -> timelines(own, servers), servers -> compaction(own, servers));
    }

    private TimelineConfig timelines(TenantConfiguration own, TimelineConfig servers) {
        TimelineConfig changed = new TimelineConfig(
                own.get(StorageSettings.CHECKPOINT_DISTANCE, servers.checkpointDistance()),
                own.get(StorageSettings.CHECKPOINT_TIMEOUT, servers.checkpointTimeout()),
                own.get(StorageSettings.MAX_FROZEN_LAYERS, servers.maxFrozenLayers()),
                servers.l0DelayThreshold(),
                servers.l0StallThreshold(),
                servers.maxGetVectoredKeys(),
                servers.flushRetryPause(),
                servers.l1Flush().map(_ -> FlushSettings.of(compaction(own, compaction))));
        // Where flushes wait for compaction, they must not wait for less than it begins with.
        return servers.l0StallThreshold() == 0
                ? changed
                : changed.withBackPressure(own.get(StorageSettings.COMPACTION_THRESHOLD, compaction.l0Threshold()));
    }

    private static CompactionSettings compaction(TenantConfiguration own, CompactionSettings servers) {
        return new CompactionSettings(
                own.get(StorageSettings.COMPACTION_THRESHOLD, servers.l0Threshold()),
                own.get(StorageSettings.COMPACTION_MAX_INPUT_SIZE, servers.maxInputBytes()),
                own.get(StorageSettings.COMPACTION_TARGET_SIZE, servers.targetLayerBytes()),
                own.get(StorageSettings.IMAGE_CREATION_THRESHOLD, servers.imageThreshold()),
                own.get(StorageSettings.MAX_RECORDS_PER_KEY, servers.maxRecordsPerKey()),
                servers.imageCompression());
    }

    /** What of a tenant's history is kept. */
    public RetentionSettings retention(TenantConfiguration own) {
        return new RetentionSettings(
                own.get(StorageSettings.PITR_INTERVAL, retention.pitrInterval()),
                own.get(StorageSettings.GC_HORIZON, retention.gcHorizon()),
                own.get(StorageSettings.GC_PERIOD, retention.gcPeriod()),
                own.get(StorageSettings.LSN_LEASE_LENGTH, retention.leaseLength()),
                own.get(StorageSettings.GC_COMPACTION_ENABLED, retention.historyCompacted()),
                history(own, retention.history()));
    }

    private static HistorySettings history(TenantConfiguration own, HistorySettings servers) {
        return new HistorySettings(
                own.get(StorageSettings.GC_COMPACTION_INITIAL_THRESHOLD_KB, (int) (servers.initialBytes() / KIB)) * KIB,
                own.get(StorageSettings.GC_COMPACTION_RATIO_PERCENT, servers.ratioPercent()),
                servers.jobBytes(),
                servers.maxChain());
    }

    /** What counts for a tenant, as JSON has it, by name. */
    Map<String, Object> effective(TenantConfiguration own) {
        TimelineConfig timelines = timelines(own, this.timelines);
        CompactionSettings compacted = compaction(own, compaction);
        RetentionSettings kept = retention(own);
        Map<String, Object> all = new TreeMap<>();
        all.put("checkpoint_distance", timelines.checkpointDistance());
        all.put("checkpoint_timeout", Units.print(timelines.checkpointTimeout()));
        all.put("max_frozen_layers", timelines.maxFrozenLayers());
        all.put("l0_flush_delay_threshold", timelines.l0DelayThreshold());
        all.put("l0_flush_stall_threshold", timelines.l0StallThreshold());
        all.put("heatmap_period", Units.print(own.get(StorageSettings.HEATMAP_PERIOD, Duration.ZERO)));
        all.put("pitr_interval", Units.print(kept.pitrInterval()));
        all.put("gc_horizon", kept.gcHorizon());
        all.put("gc_period", Units.print(kept.gcPeriod()));
        all.put("lsn_lease_length", Units.print(kept.leaseLength()));
        all.put("gc_compaction_enabled", kept.historyCompacted());
        all.put("gc_compaction_initial_threshold_kb", kept.history().initialBytes() / KIB);
        all.put("gc_compaction_ratio_percent", kept.history().ratioPercent());
        all.put("compaction_threshold", compacted.l0Threshold());
        all.put("compaction_max_input_size", compacted.maxInputBytes());
        all.put("compaction_target_size", compacted.targetLayerBytes());
        all.put("image_creation_threshold", compacted.imageThreshold());
        all.put("max_records_per_key", compacted.maxRecordsPerKey());
        return all;
    }
}
