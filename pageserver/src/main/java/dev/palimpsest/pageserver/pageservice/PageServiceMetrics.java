package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.RedoException;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What is counted of clients that read pages, whichever protocol they speak, under Neon's names. Safe for use by many threads. */
public final class PageServiceMetrics {
    private static final double[] SECONDS = {
        0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100
    };
    private static final double[] BACKUP_SECONDS = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
    private static final double NANOS = 1e9;
    private static final String LIBPQ = "page_service";
    private static final String GRPC = "page_service_grpc";
    private static final String CORRUPTION = "corruption";
    private static final String MISSING_KEY = "missing_key";
    private static final String REDO = "redo";
    private static final String DISK = "disk";
    private static final String OBJECT_STORE = "object_store";
    private static final String OTHER = "other";

    private final DistributionDataPoint exists;
    private final DistributionDataPoint nblocks;
    private final DistributionDataPoint getPage;
    private final DistributionDataPoint databaseSize;
    private final DistributionDataPoint slruSegment;
    private final DistributionDataPoint batchSize;
    private final CounterDataPoint successes;
    private final CounterDataPoint failures;
    private final Counter commands;
    private final CounterDataPoint refusedLogins;
    private final Histogram baseBackups;
    private final CounterDataPoint connectionsStarted;
    private final CounterDataPoint connectionsFinished;
    private final CounterDataPoint grpcConnectionsStarted;
    private final CounterDataPoint grpcConnectionsFinished;
    private final Counter readErrors;
    private final RequestTraces traces;

    PageServiceMetrics(PrometheusRegistry registry, RequestTraces traces) {
        this.traces = traces;
        Histogram seconds = Histogram.builder()
                .name("pageserver_smgr_query_seconds_global")
                .help("Time from reading a request to having its answer, without sending it")
                .labelNames("smgr_query_type")
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .register(registry);
        exists = seconds.labelValues("get_rel_exists");
        nblocks = seconds.labelValues("get_rel_size");
        getPage = seconds.labelValues("get_page_at_lsn");
        databaseSize = seconds.labelValues("get_db_size");
        slruSegment = seconds.labelValues("get_slru_segment");
        batchSize = Histogram.builder()
                .name("pageserver_page_service_batch_size_global")
                .help("Pages that were read at once for one client")
                .classicOnly()
                .classicUpperBounds(1, 2, 4, 8, 16, 32)
                .register(registry);
        Counter outcomes = Counter.builder()
                .name("pageserver_pagestream_handler_results_total")
                .help("Requests of pagestreams by what came of them")
                .labelNames("outcome")
                .register(registry);
        successes = outcomes.labelValues("success");
        failures = outcomes.labelValues("internal_error");
        readErrors = Counter.builder()
                .name("palimpsest_page_service_read_errors_total")
                .help("Requests that the server could not answer though it should have, by what went wrong.")
                .labelNames("kind")
                .register(registry);
        for (String kind : List.of(CORRUPTION, MISSING_KEY, REDO, DISK, OBJECT_STORE, OTHER)) {
            readErrors.initLabelValues(kind);
        }
        commands = Counter.builder()
                .name("pageserver_compute_commands")
                .help("Commands of clients")
                .labelNames("command")
                .register(registry);
        baseBackups = Histogram.builder()
                .name("pageserver_basebackup_query_seconds")
                .help("How long base backups took, until all was sent")
                .labelNames("result")
                .classicOnly()
                .classicUpperBounds(BACKUP_SECONDS)
                .register(registry);
        refusedLogins = Counter.builder()
                .name("palimpsest_page_service_refused_logins_total")
                .help("Clients that had no good token, or did not encrypt where they must")
                .register(registry)
                .labelValues();
        Counter started = Counter.builder()
                .name("pageserver_live_connections_started")
                .help("Connections of clients that began")
                .labelNames("pageserver_connection_kind")
                .register(registry);
        connectionsStarted = started.labelValues(LIBPQ);
        grpcConnectionsStarted = started.labelValues(GRPC);
        Counter finished = Counter.builder()
                .name("pageserver_live_connections_finished")
                .help("Connections of clients that ended")
                .labelNames("pageserver_connection_kind")
                .register(registry);
        connectionsFinished = finished.labelValues(LIBPQ);
        grpcConnectionsFinished = finished.labelValues(GRPC);
    }

    /** Another connection of the gRPC page API. */
    public void grpcConnected() {
        grpcConnectionsStarted.inc();
    }

    /** One of them has ended. */
    public void grpcDisconnected() {
        grpcConnectionsFinished.inc();
    }

    /** Says where the time of requests went. */
    public RequestTraces traces() {
        return traces;
    }

    void connected() {
        connectionsStarted.inc();
    }

    /** A client was not let in. */
    public void refused() {
        refusedLogins.inc();
    }

    void disconnected() {
        connectionsFinished.inc();
    }

    void command(PageServiceCommand command) {
        commands.labelValues(
                        switch (command) {
                            case PageServiceCommand.Pagestream stream ->
                                stream.version() == PagestreamVersion.V2 ? "pagestream_v2" : "pagestream_v3";
                            case PageServiceCommand.BaseBackup _ -> "basebackup";
                            case PageServiceCommand.FullBackup _ -> "fullbackup";
                            case PageServiceCommand.Lease _ -> "lease_lsn";
                            case PageServiceCommand.Set _ -> "set";
                        })
                .inc();
    }

    /** What became of a base backup. */
    public enum BackupResult {
        /** It was sent. */
        OK,
        /** It could not be made. */
        ERROR,
        /** The client has gone. */
        CLIENT_ERROR
    }

    /** A base backup that took so long. */
    public void baseBackup(BackupResult result, long nanos) {
        baseBackups.labelValues(result.name().toLowerCase(Locale.ROOT)).observe(nanos / NANOS);
    }

    /** So many pages were read at once. */
    public void batch(int pages) {
        batchSize.observe(pages);
    }

    /** A request failed for a reason that is none of the client's. */
    public void readError(@Nullable Throwable reason) {
        readErrors
                .labelValues(
                        switch (reason) {
                            case CorruptionException _ -> CORRUPTION;
                            case MissingKeyException _ -> MISSING_KEY;
                            case RedoException _ -> REDO;
                            case DiskException _ -> DISK;
                            case ObjectStoreException _ -> OBJECT_STORE;
                            case null, default -> OTHER;
                        })
                .inc();
    }

    /** What a request is called in metrics and in the log. */
    static String type(PagestreamRequest request) {
        return switch (request) {
            case PagestreamRequest.Exists _ -> "get_rel_exists";
            case PagestreamRequest.Nblocks _ -> "get_rel_size";
            case PagestreamRequest.GetPage _ -> "get_page_at_lsn";
            case PagestreamRequest.DbSize _ -> "get_db_size";
            case PagestreamRequest.GetSlruSegment _ -> "get_slru_segment";
        };
    }

    /** One request that took so long, successfully or not. */
    public void served(PagestreamRequest request, long nanos, boolean success) {
        DistributionDataPoint seconds = switch (request) {
            case PagestreamRequest.Exists _ -> exists;
            case PagestreamRequest.Nblocks _ -> nblocks;
            case PagestreamRequest.GetPage _ -> getPage;
            case PagestreamRequest.DbSize _ -> databaseSize;
            case PagestreamRequest.GetSlruSegment _ -> slruSegment;
        };
        seconds.observe(nanos / NANOS);
        (success ? successes : failures).inc();
    }
}
