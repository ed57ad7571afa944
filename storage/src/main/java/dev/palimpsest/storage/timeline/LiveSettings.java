package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.compaction.CompactionSettings;

/**
 * How the timelines of one tenant write and read, and are compacted: as all do, but for what the tenant has of its own, which
 * may be exchanged while they run. Safe for use by many threads.
 */
public final class LiveSettings {
    private final TimelineConfig servers;
    private volatile TenantSettings own = TenantSettings.NONE;
    private volatile TimelineConfig timelines;

    /** @param servers what counts for all tenants */
    LiveSettings(TimelineConfig servers) {
        this.servers = servers;
        this.timelines = servers;
    }

    /** For another tenant, which has none of its own yet. */
    LiveSettings ofAnotherTenant() {
        return new LiveSettings(servers);
    }

    void exchange(TenantSettings others) {
        own = others;
        timelines = others.timelines().apply(servers);
    }

    TimelineConfig timelines() {
        return timelines;
    }

    CompactionSettings compaction(CompactionSettings ofServer) {
        return own.compaction().apply(ofServer);
    }
}
