package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.config.Address;
import dev.palimpsest.pageserver.config.Configuration;
import dev.palimpsest.pageserver.config.ConfigurationChecks;
import dev.palimpsest.pageserver.config.ConfigurationException;
import dev.palimpsest.pageserver.config.ServiceSettings;
import dev.palimpsest.pageserver.config.Setting;
import dev.palimpsest.pageserver.config.StorageSettings;
import dev.palimpsest.pageserver.grpc.GrpcSettings;
import dev.palimpsest.pageserver.http.HttpSettings;
import dev.palimpsest.pageserver.pageservice.PageServiceSettings;
import dev.palimpsest.pageserver.pageservice.ThrottleSettings;
import dev.palimpsest.pageserver.pageservice.TraceSettings;
import dev.palimpsest.pageserver.retention.RetentionSettings;
import dev.palimpsest.pageserver.security.SecuritySettings;
import dev.palimpsest.storage.blob.BlobCompression;
import dev.palimpsest.storage.compaction.BackgroundSettings;
import dev.palimpsest.storage.compaction.CompactionSettings;
import dev.palimpsest.storage.compaction.HistorySettings;
import dev.palimpsest.storage.eviction.EvictionSettings;
import dev.palimpsest.storage.file.LocalDiskSettings;
import dev.palimpsest.storage.layer.residency.DownloadSettings;
import dev.palimpsest.storage.remote.CallLimits;
import dev.palimpsest.storage.remote.RemoteSettings;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.remote.TimeLimits;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.TimelineConfig;
import dev.palimpsest.storage.timeline.UploadSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a server is started with, as its configuration says it. */
public final class ConfiguredOptions {
    private final Configuration configuration;

    private ConfiguredOptions(Configuration configuration) {
        this.configuration = configuration;
    }

    /**
     * Puts them together.
     *
     * @param instead where history is kept, whatever the configuration says of it; null for what it says
     * @throws ConfigurationException if values make no sense together
     */
    public static ServerOptions of(Configuration configuration, @Nullable StorageLocation instead)
            throws ConfigurationException {
        ConfigurationChecks.check(configuration);
        ConfiguredOptions options = new ConfiguredOptions(configuration);
        StorageLocation storage = instead == null ? options.storage() : instead;
        return new ServerOptions(
                configuration.find(ServiceSettings.DIRECTORY).orElseThrow(),
                options.http(),
                options.pageService(),
                options.grpc(),
                options.security(),
                storage,
                options.remote(),
                options.store(),
                options.eviction(storage),
                options.retention(),
                new TraceSettings(
                        configuration.get(ServiceSettings.SLOW_REQUEST_THRESHOLD),
                        configuration.get(ServiceSettings.REQUEST_TRACE_INTERVAL)),
                configuration.find(ServiceSettings.PG_BIN_DIR).orElse(null));
    }

    private <T> T get(Setting<T> setting) {
        return configuration.get(setting);
    }

    private HttpSettings http() {
        Address address = get(ServiceSettings.LISTEN_HTTP_ADDR);
        return new HttpSettings(
                address.host(),
                address.port(),
                get(ServiceSettings.HTTP_MAX_CONNECTIONS),
                Math.toIntExact(get(ServiceSettings.HTTP_MAX_HEADER_SIZE)),
                get(ServiceSettings.HTTP_REQUEST_TIMEOUT),
                get(ServiceSettings.METRICS_NEED_TOKEN),
                get(ServiceSettings.ID));
    }

    private PageServiceSettings pageService() {
        Address address = get(ServiceSettings.LISTEN_PG_ADDR);
        return new PageServiceSettings(
                address.host(),
                address.port(),
                get(ServiceSettings.PAGE_SERVICE_MAX_CONNECTIONS),
                get(ServiceSettings.PAGE_SERVICE_TENANT_PERCENT),
                get(ServiceSettings.PAGE_SERVICE_LOGIN_TIMEOUT),
                get(ServiceSettings.PAGE_SERVICE_IDLE_TIMEOUT),
                get(ServiceSettings.PAGE_SERVICE_MESSAGE_TIMEOUT),
                get(ServiceSettings.PAGE_SERVICE_WRITE_TIMEOUT),
                get(ServiceSettings.WAIT_LSN_TIMEOUT),
                get(ServiceSettings.PAGE_SERVICE_MAX_BATCH_SIZE),
                throttle());
    }

    private @Nullable GrpcSettings grpc() {
        return configuration
                .find(ServiceSettings.LISTEN_GRPC_ADDR)
                .map(address -> new GrpcSettings(
                        address.host(),
                        address.port(),
                        get(ServiceSettings.GRPC_MAX_CONNECTIONS),
                        get(ServiceSettings.GRPC_MAX_CALLS)))
                .orElse(null);
    }

    private ThrottleSettings throttle() {
        return new ThrottleSettings(
                !get(StorageSettings.THROTTLE_TASK_KINDS).isEmpty(),
                get(StorageSettings.THROTTLE_INITIAL),
                get(StorageSettings.THROTTLE_REFILL_INTERVAL),
                get(StorageSettings.THROTTLE_REFILL_AMOUNT),
                get(StorageSettings.THROTTLE_MAX));
    }

    private SecuritySettings security() {
        return new SecuritySettings(
                get(ServiceSettings.HTTP_AUTH_TYPE) == ServiceSettings.AuthType.NEON_JWT,
                get(ServiceSettings.PG_AUTH_TYPE) == ServiceSettings.AuthType.NEON_JWT,
                get(ServiceSettings.GRPC_AUTH_TYPE) == ServiceSettings.AuthType.NEON_JWT,
                configuration.find(ServiceSettings.AUTH_VALIDATION_PUBLIC_KEY_PATH),
                get(ServiceSettings.HTTP_TLS),
                get(ServiceSettings.PAGE_SERVICE_TLS),
                get(ServiceSettings.GRPC_TLS),
                configuration.find(ServiceSettings.SSL_CERT_FILE),
                configuration.find(ServiceSettings.SSL_KEY_FILE),
                get(ServiceSettings.SSL_CERT_RELOAD_PERIOD),
                get(ServiceSettings.INSECURE));
    }

    private @Nullable StorageLocation storage() throws ConfigurationException {
        Optional<String> bucket = configuration.find(StorageSettings.REMOTE_BUCKET_NAME);
        if (bucket.isEmpty()) {
            return configuration
                    .find(StorageSettings.REMOTE_LOCAL_PATH)
                    .map(path -> new StorageLocation.LocalDirectory(
                            path.toAbsolutePath().normalize()))
                    .orElse(null);
        }
        Map<String, String> options = new LinkedHashMap<>();
        configuration.find(StorageSettings.REMOTE_REGION).ifPresent(region -> options.put("region", region));
        configuration.find(StorageSettings.REMOTE_ENDPOINT).ifPresent(url -> options.put("endpoint", url));
        configuration.find(StorageSettings.REMOTE_PROFILE).ifPresent(profile -> options.put("profile", profile));
        configuration
                .find(StorageSettings.REMOTE_PATH_STYLE)
                .ifPresent(pathStyle -> options.put("path-style", pathStyle.toString()));
        options.put(
                "conditional-puts",
                get(StorageSettings.REMOTE_CONDITIONAL_PUTS)
                        .name()
                        .toLowerCase(Locale.ROOT)
                        .replace('_', '-'));
        if (get(StorageSettings.REMOTE_ALLOW_UNGUARDED)) {
            options.put("allow-unguarded", "true");
        }
        String prefix = configuration.find(StorageSettings.REMOTE_PREFIX).orElse("");
        try {
            return StorageLocation.parse("s3://" + bucket.get() + "/" + prefix, options);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    List.of(configuration.problem(StorageSettings.REMOTE_BUCKET_NAME, String.valueOf(e.getMessage()))));
        }
    }

    private RemoteSettings remote() {
        return new RemoteSettings(
                new CallLimits(
                        get(StorageSettings.REMOTE_UPLOAD_CALLS),
                        get(StorageSettings.REMOTE_DOWNLOAD_CALLS),
                        get(StorageSettings.REMOTE_RESERVED_CALLS)),
                new TimeLimits(get(StorageSettings.REMOTE_TIMEOUT).toNanos(), get(StorageSettings.REMOTE_MIN_RATE)),
                new RetryPolicy(
                        get(StorageSettings.REMOTE_ATTEMPTS),
                        get(StorageSettings.REMOTE_FIRST_PAUSE).toNanos(),
                        get(StorageSettings.REMOTE_LONGEST_PAUSE).toNanos()));
    }

    private StoreSettings store() {
        LocalDiskSettings usual = LocalDiskSettings.of(
                get(StorageSettings.VIRTUAL_FILE_IO_MODE) == StorageSettings.IoMode.DIRECT
                        ? LocalDiskSettings.Mode.DIRECT
                        : LocalDiskSettings.Mode.BUFFERED);
        StoreSettings settings = new StoreSettings(
                new LocalDiskSettings(
                        usual.mode(),
                        get(StorageSettings.MAX_FILE_DESCRIPTORS),
                        usual.bounceBuffers(),
                        usual.bounceBufferBytes()),
                timelines(),
                get(StorageSettings.MAX_DIRTY_BYTES),
                get(StorageSettings.BLOCK_CACHE_SIZE),
                get(StorageSettings.READ_BUFFERS),
                Math.toIntExact(get(StorageSettings.MAX_VECTORED_READ_BYTES)),
                StoreSettings.DEFAULT.maxValueBytes(),
                get(StorageSettings.L0_FLUSH_CONCURRENCY),
                Math.toIntExact(get(StorageSettings.L0_FLUSH_BUFFER_SIZE)),
                get(StorageSettings.WRITE_BACK_SIZE),
                new UploadSettings(
                        get(StorageSettings.UPLOAD_CONCURRENCY),
                        get(StorageSettings.MAX_UPLOAD_BACKLOG),
                        get(StorageSettings.UPLOAD_RETRY_PAUSE)),
                new DownloadSettings(
                        get(StorageSettings.DOWNLOAD_CONCURRENCY),
                        get(StorageSettings.BACKGROUND_DOWNLOAD_CONCURRENCY),
                        get(StorageSettings.MAX_DOWNLOAD_BYTES)),
                Optional.empty(),
                Optional.empty());
        StoreSettings compacted = settings.withBackground(background());
        return get(StorageSettings.FLUSH_AS_L1)
                ? compacted
                : compacted.withTimelines(compacted.timelines().withL1Flush(Optional.empty()));
    }

    /** Null if nothing is said of it: what is usual depends on where history is then. */
    private @Nullable EvictionSettings eviction(@Nullable StorageLocation storage) throws ConfigurationException {
        Optional<Setting<?>> limit = Stream.<Setting<?>>of(
                        StorageSettings.EVICTION_MAX_LOCAL_BYTES, StorageSettings.EVICTION_MIN_AVAIL_BYTES)
                .filter(configuration::isGiven)
                .findFirst();
        if (storage == null && limit.isPresent()) {
            throw new ConfigurationException(List.of(configuration.problem(
                    limit.get(),
                    "is of use with --storage or remote_storage only: without them nothing is kept elsewhere")));
        }
        boolean usual = storage instanceof StorageLocation.Bucket;
        if (!usual && limit.isEmpty()) {
            return null;
        }
        EvictionSettings standard = EvictionSettings.DEFAULT;
        return new EvictionSettings(
                get(StorageSettings.EVICTION_PERIOD),
                configuration.find(StorageSettings.EVICTION_MAX_LOCAL_BYTES).orElse(standard.maxLocalBytes()),
                configuration
                        .find(StorageSettings.EVICTION_MIN_AVAIL_BYTES)
                        .orElse(usual ? standard.minFreeBytes() : 0L),
                configuration.find(StorageSettings.EVICTION_IDLE),
                configuration.find(StorageSettings.EVICTION_IDLE_COVERED),
                standard.imageGrace(),
                get(StorageSettings.MIN_RESIDENT_SIZE),
                standard.maxLayersPerRound());
    }

    private RetentionSettings retention() {
        return new RetentionSettings(
                get(StorageSettings.PITR_INTERVAL),
                get(StorageSettings.GC_HORIZON),
                get(StorageSettings.GC_PERIOD),
                get(StorageSettings.LSN_LEASE_LENGTH),
                get(StorageSettings.GC_COMPACTION_ENABLED),
                history());
    }

    private HistorySettings history() {
        HistorySettings standard = HistorySettings.DEFAULT;
        return new HistorySettings(
                get(StorageSettings.GC_COMPACTION_INITIAL_THRESHOLD_KB) * 1024L,
                get(StorageSettings.GC_COMPACTION_RATIO_PERCENT),
                standard.jobBytes(),
                standard.maxChain());
    }

    private TimelineConfig timelines() {
        return new TimelineConfig(
                get(StorageSettings.CHECKPOINT_DISTANCE),
                get(StorageSettings.CHECKPOINT_TIMEOUT),
                get(StorageSettings.MAX_FROZEN_LAYERS),
                get(StorageSettings.L0_FLUSH_DELAY_THRESHOLD),
                get(StorageSettings.L0_FLUSH_STALL_THRESHOLD),
                get(ServiceSettings.MAX_GET_VECTORED_KEYS),
                TimelineConfig.DEFAULT.flushRetryPause());
    }

    private BackgroundSettings background() {
        int level = get(StorageSettings.IMAGE_COMPRESSION);
        return new BackgroundSettings(
                new CompactionSettings(
                        get(StorageSettings.COMPACTION_THRESHOLD),
                        get(StorageSettings.COMPACTION_MAX_INPUT_SIZE),
                        get(StorageSettings.COMPACTION_TARGET_SIZE),
                        get(StorageSettings.IMAGE_CREATION_THRESHOLD),
                        get(StorageSettings.MAX_RECORDS_PER_KEY),
                        level == 0 ? BlobCompression.NONE : new BlobCompression.Zstd(level)),
                get(StorageSettings.COMPACTION_CONCURRENCY),
                get(StorageSettings.COMPACTION_PERIOD),
                get(StorageSettings.IMAGE_CHECK_DISTANCE),
                get(StorageSettings.IMAGE_CHECK_PERIOD),
                BackgroundSettings.DEFAULT.pauses());
    }
}
