package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.config.TenantConfiguration;
import dev.palimpsest.pageserver.tenant.TenantException;
import dev.palimpsest.pageserver.tenant.TenantLocation;
import dev.palimpsest.pageserver.tenant.TenantService;
import dev.palimpsest.pageserver.tenant.TenantState;
import dev.palimpsest.pageserver.tenant.TenantView;
import dev.palimpsest.pageserver.tenant.Utilization;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.timeline.WarmProgress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Tenants that exist only as what is said of them: those of branches, all active, and others that a test puts. */
public final class FakeTenants implements TenantService {
    private final FakeBranches branches;
    private final SortedMap<TenantId, TenantView> others = new TreeMap<>();
    private final SortedMap<TenantId, TenantLocation> places = new TreeMap<>();
    private final Map<TenantId, TenantConfiguration> settings = new TreeMap<>();

    /** Whether what is brought is not here yet when {@link #warmth} returns. */
    public boolean slow;

    /** Thrown by every call that changes what the server has of a tenant, if set. */
    public @Nullable TenantException refusal;

    FakeTenants(FakeBranches branches) {
        this.branches = branches;
    }

    /** Forgets all that was put and done. */
    void reset() {
        others.clear();
        places.clear();
        settings.clear();
        slow = false;
        refusal = null;
    }

    private void refuse() throws TenantException {
        if (refusal != null) {
            throw refusal;
        }
    }

    /** One that has no branches, since it is not active. */
    public void put(TenantId id, TenantState.Phase phase, @Nullable String reason) {
        others.put(id, new TenantView(id.toString(), TenantLocation.Mode.ATTACHED, phase, reason, null, 0, 0, 0));
    }

    @Override
    public List<TenantView> list() {
        SortedMap<String, TenantView> all = new TreeMap<>();
        others.values().forEach(tenant -> all.put(tenant.id(), tenant));
        for (BranchView branch : branches.list()) {
            all.merge(
                    branch.tenant(),
                    new TenantView(
                            branch.tenant(),
                            TenantLocation.Mode.ATTACHED,
                            TenantState.Phase.ACTIVE,
                            null,
                            7L,
                            1,
                            branch.layerBytes(),
                            branch.residentBytes()),
                    (one, more) -> new TenantView(
                            one.id(),
                            one.mode(),
                            one.phase(),
                            one.reason(),
                            one.generation(),
                            one.branches() + 1,
                            one.layerBytes() + more.layerBytes(),
                            one.residentBytes() + more.residentBytes()));
        }
        return List.copyOf(all.values());
    }

    @Override
    public TenantView view(TenantId id) throws TenantException {
        return list().stream()
                .filter(tenant -> tenant.id().equals(id.toString()))
                .findFirst()
                .orElseThrow(() -> new TenantException(TenantException.Kind.NOT_FOUND, "tenant " + id + " not found"));
    }

    @Override
    public void awaitActive(TenantId id) throws TenantException {
        TenantView tenant = view(id);
        if (tenant.phase() == TenantState.Phase.BROKEN) {
            throw new TenantException(TenantException.Kind.FAILED, "tenant " + id + " is broken: " + tenant.reason());
        }
        if (tenant.phase() != TenantState.Phase.ACTIVE) {
            throw new TenantException(TenantException.Kind.UNAVAILABLE, "tenant " + id + " is still being loaded");
        }
    }

    @Override
    public boolean awaitAllLookedAt() {
        return true;
    }

    @Override
    public boolean areAllLookedAt() {
        return true;
    }

    @Override
    public List<String> notServing() {
        List<String> all = new ArrayList<>();
        others.values().forEach(tenant -> all.add("tenant " + tenant.id() + " is broken: " + tenant.reason()));
        return all;
    }

    @Override
    public Utilization utilization() {
        return new Utilization(1_000, 9_000, 2_500, list().size());
    }

    @Override
    public SortedMap<TenantId, TenantLocation> locations() {
        SortedMap<TenantId, TenantLocation> all = new TreeMap<>();
        list().forEach(tenant -> all.put(TenantId.parse(tenant.id()), TenantLocation.FOUND));
        all.putAll(places);
        all.values().removeIf(place -> place.mode() == TenantLocation.Mode.DETACHED);
        return all;
    }

    @Override
    public boolean relocate(TenantId id, TenantLocation wanted) throws TenantException {
        refuse();
        TenantLocation before = places.get(id);
        Long given = before == null ? null : before.generation();
        if (given != null && wanted.generation() != null && wanted.generation() < given) {
            throw new TenantException(TenantException.Kind.INVALID, "generation " + wanted.generation() + " is old");
        }
        branches.calls.add("relocate " + id + " " + wanted);
        return !wanted.equals(places.put(id, wanted));
    }

    @Override
    public void reset(TenantId id, boolean dropCache) throws TenantException {
        refuse();
        view(id);
        branches.calls.add("reset " + id + (dropCache ? " and drop" : ""));
    }

    @Override
    public void delete(TenantId id) throws TenantException {
        refuse();
        branches.calls.add("delete tenant " + id);
    }

    @Override
    public void tellResident(TenantId id) throws TenantException {
        awaitActive(id);
        branches.calls.add("heatmap " + id);
    }

    @Override
    public WarmProgress warmth(TenantId id, boolean bring) throws TenantException {
        view(id); // each is warm too, so that there is an answer about it
        boolean all = bring && !slow;
        return new WarmProgress(all ? 2 : 1, 2, all ? 200 : 100, 200);
    }

    @Override
    public TenantConfiguration configuration(TenantId id) throws TenantException {
        awaitActive(id);
        return settings.getOrDefault(id, TenantConfiguration.NONE);
    }

    @Override
    public Map<String, Object> effectiveConfiguration(TenantId id) throws TenantException {
        Map<String, Object> all = new TreeMap<>(Map.of("gc_horizon", 64, "pitr_interval", "7 d"));
        all.putAll(configuration(id).values());
        return all;
    }

    @Override
    public void configure(TenantId id, Change change) throws TenantException {
        try {
            settings.put(id, change.of(configuration(id)));
        } catch (IOException e) {
            throw new TenantException(TenantException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
    }
}
