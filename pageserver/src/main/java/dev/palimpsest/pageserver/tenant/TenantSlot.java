package dev.palimpsest.pageserver.tenant;

import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.timeline.TenantTimelines;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What a server knows of one tenant that is here. What changes where it is holds {@link #transition}. */
final class TenantSlot {
    /** Held by whoever moves the tenant, loads it or changes its settings. */
    final ReentrantLock transition = new ReentrantLock();

    private final TenantId id;
    private volatile TenantLocation location;
    private volatile TenantState state = TenantState.ATTACHING;
    private volatile TenantConfiguration settings = TenantConfiguration.NONE;
    /** What the settings say of it, since it is asked for so often. */
    private volatile Optional<ThrottleSettings> throttle = Optional.empty();

    private volatile @Nullable TenantTimelines timelines;
    private volatile boolean lookedAt;
    private volatile boolean gone;

    TenantSlot(TenantId id, TenantLocation location) {
        this.id = id;
        this.location = location;
    }

    TenantId id() {
        return id;
    }

    TenantLocation location() {
        return location;
    }

    void location(TenantLocation other) {
        location = other;
    }

    boolean isAttached() {
        return location.mode() == TenantLocation.Mode.ATTACHED;
    }

    /** Also whether somebody else has claimed it meanwhile. */
    TenantState state() {
        TenantTimelines loaded = timelines;
        if (loaded != null
                && state.phase() == TenantState.Phase.ACTIVE
                && loaded.life().isSuperseded()) {
            return TenantState.broken(
                    "another server has claimed it, or a later start of this one: nothing that is written"
                            + " to it here counts any more. Detach it here, or reset it to claim it back");
        }
        return state;
    }

    void state(TenantState next) {
        state = next;
        if (next.reason() != null) {
            lookedAt = true;
        }
    }

    void active(TenantTimelines loaded, TenantConfiguration own) {
        timelines = loaded;
        settings(own);
        state = TenantState.ACTIVE;
        lookedAt = true;
    }

    void unloaded() {
        timelines = null;
    }

    /** The timelines; null as long as they are not loaded. */
    @Nullable
    TenantTimelines timelines() {
        return timelines;
    }

    TenantConfiguration settings() {
        return settings;
    }

    void settings(TenantConfiguration others) {
        settings = others;
        throttle = TenantThrottles.own(others);
    }

    /** How many requests it may make; empty if that is what counts for all. */
    Optional<ThrottleSettings> throttle() {
        return throttle;
    }

    /** Whether it was tried to load it. */
    boolean isLookedAt() {
        return lookedAt;
    }

    /** It is being loaded: which branches it has is not known before that is over, also if it was here as a secondary. */
    void attaching() {
        lookedAt = false;
        state = TenantState.ATTACHING;
    }

    /** There is nothing to load of it. */
    void secondary() {
        lookedAt = true;
    }

    /** It is not here any more: whoever waits for it need not. */
    void leave() {
        gone = true;
        lookedAt = true;
    }

    boolean isGone() {
        return gone;
    }
}
