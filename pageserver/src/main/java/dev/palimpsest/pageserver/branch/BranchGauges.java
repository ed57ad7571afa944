package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.walreceiver.FollowState;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Clock;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Tells how branches stand, when it is asked. Of all branches together, and of at most {@value #SHOWN} one by one, those that
 * follow something before the others: so ten thousand branches are not ten thousand times as many series.
 */
final class BranchGauges {
    /** Neon's; one shard is all there is. */
    static final String[] LABELS = {"tenant_id", "shard_id", "timeline_id"};

    private static final int SHOWN = 100;
    private static final double MILLIS = 1000;

    private final OpenBranches branches;
    private final Clock clock;
    private final PrometheusRegistry registry;
    private final int limit;

    private BranchGauges(OpenBranches branches, int limit, Clock clock, PrometheusRegistry registry) {
        this.branches = branches;
        this.limit = limit;
        this.clock = clock;
        this.registry = registry;
    }

    /**
     * @param archived how many archived ones there are
     */
    static void register(OpenBranches branches, IntSupplier archived, Clock clock, PrometheusRegistry registry) {
        register(branches, archived, SHOWN, clock, registry);
    }

    /** @param limit how many branches have series of their own */
    static void register(
            OpenBranches branches, IntSupplier archived, int limit, Clock clock, PrometheusRegistry registry) {
        BranchGauges gauges = new BranchGauges(branches, limit, clock, registry);
        gauges.states(archived);
        gauges.totals();
        gauges.oneByOne();
    }

    static String[] labels(Branch branch) {
        return new String[] {
            branch.tenantId().toString(), "0000", branch.timeline().id().toString()
        };
    }

    private void states(IntSupplier archived) {
        GaugeWithCallback.builder()
                .name("palimpsest_branches")
                .help("Branches by what they do.")
                .labelNames("phase")
                .callback(callback -> {
                    Map<BranchView.Phase, Integer> counts = new EnumMap<>(BranchView.Phase.class);
                    branches.all().forEach(branch -> counts.merge(branch.phase(), 1, Integer::sum));
                    counts.put(BranchView.Phase.ARCHIVED, archived.getAsInt());
                    for (BranchView.Phase phase : BranchView.Phase.values()) {
                        callback.call(counts.getOrDefault(phase, 0), word(phase));
                    }
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("palimpsest_followers")
                .help("Branches that follow a source, by how that stands.")
                .labelNames("phase")
                .callback(callback -> {
                    Map<FollowState.Phase, Integer> counts = new EnumMap<>(FollowState.Phase.class);
                    for (Branch branch : branches.all()) {
                        FollowState state = branch.following();
                        if (state != null) {
                            counts.merge(state.phase(), 1, Integer::sum);
                        }
                    }
                    for (FollowState.Phase phase : FollowState.Phase.values()) {
                        callback.call(counts.getOrDefault(phase, 0), word(phase));
                    }
                })
                .register(registry);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private void totals() {
        gauge(
                "palimpsest_ingest_max_lag_bytes",
                "How far the branch that is the furthest behind is behind its source, in bytes of WAL.",
                () -> max(this::lagBytes));
        gauge(
                "palimpsest_ingest_max_lag_seconds",
                "How long ago the last commit was that the branch has which is the furthest behind; 0 if none is"
                        + " behind.",
                () -> max(branch -> branch.lagSeconds(clock.instant())));
        gauge(
                "palimpsest_source_max_silence_seconds",
                "For how long the source has said nothing that has said nothing for the longest.",
                () -> max(this::silence));
        gauge(
                "palimpsest_upload_broken_timelines",
                "Timelines whose uploads keep failing.",
                () -> branches.all().stream()
                        .filter(branch -> branch.timeline().uploadState().broken())
                        .count());
        gauge(
                "palimpsest_upload_backlog_layers",
                "Layers that are not in the object store yet.",
                () -> branches.all().stream()
                        .mapToInt(branch -> branch.timeline().layersToUpload())
                        .sum());
    }

    private void gauge(String name, String help, DoubleSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call(value.getAsDouble()))
                .register(registry);
    }

    private double max(ToDoubleFunction<Branch> what) {
        return branches.all().stream().mapToDouble(what).max().orElse(0);
    }

    private double lagBytes(Branch branch) {
        return Math.max(0, branch.lagBytes());
    }

    private double silence(Branch branch) {
        FollowState state = branch.following();
        return state == null || state.lastMessage() == null
                ? 0
                : Math.max(0, (clock.millis() - state.lastMessage().toEpochMilli()) / MILLIS);
    }

    private void oneByOne() {
        each(
                "pageserver_last_record_lsn",
                "The LSN of the last record.",
                branch -> branch.timeline().lastRecordLsn().value());
        each(
                "pageserver_disk_consistent_lsn",
                "Up to this LSN all is in local layer files.",
                branch -> branch.timeline().diskConsistentLsn().value());
        each(
                "palimpsest_remote_consistent_lsn",
                "Up to this LSN nothing can take history back.",
                branch -> branch.timeline().remoteConsistentLsn().value());
        each(
                "pageserver_resident_physical_size",
                "Bytes of layer files on the local disk.",
                branch -> branch.timeline().residentBytes());
        each("palimpsest_ingest_lag_bytes", "How far it is behind its source, in bytes of WAL.", this::lagBytes);
        each(
                "palimpsest_ingest_lag_seconds",
                "How long ago the last commit was that it has, if it is behind its source; else 0.",
                branch -> Math.max(0, branch.lagSeconds(clock.instant())));
        GaugeWithCallback.builder()
                .name("palimpsest_branch_info")
                .help("The name of a branch; always 1.")
                .labelNames("tenant_id", "shard_id", "timeline_id", "branch", "pg_version")
                .callback(callback -> shown().forEach(branch -> {
                    String[] labels = Arrays.copyOf(labels(branch), LABELS.length + 2);
                    labels[LABELS.length] = branch.name();
                    labels[LABELS.length + 1] =
                            Integer.toString(branch.timeline().pgVersion());
                    callback.call(1, labels);
                }))
                .register(registry);
        gauge(
                "palimpsest_branches_not_shown",
                "Branches that have no series of their own, as there are too many.",
                () -> Math.max(0, branches.size() - limit));
    }

    private void each(String name, String help, ToDoubleFunction<Branch> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames(LABELS)
                .callback(callback ->
                        shown().forEach(branch -> callback.call(value.applyAsDouble(branch), labels(branch))))
                .register(registry);
    }

    /** The same ones as long as there are the same branches. */
    private List<Branch> shown() {
        Predicate<Branch> following = branch -> branch.receiver() != null;
        return Stream.concat(
                        branches.all().stream().filter(following),
                        branches.all().stream().filter(following.negate()))
                .limit(limit)
                .toList();
    }
}
