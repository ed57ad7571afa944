package dev.palimpsest.pageserver.config;

import dev.palimpsest.pageserver.security.TlsMode;
import java.util.ArrayList;
import java.util.List;

/** What no setting can say for itself: which values make no sense together. Nothing is looked at but the values. */
public final class ConfigurationChecks {
    private final Configuration configuration;
    private final List<Problem> problems = new ArrayList<>();

    private ConfigurationChecks(Configuration configuration) {
        this.configuration = configuration;
    }

    /** @throws ConfigurationException with all that makes no sense */
    public static void check(Configuration configuration) throws ConfigurationException {
        ConfigurationChecks checks = new ConfigurationChecks(configuration);
        checks.required();
        checks.security();
        checks.exposure(ServiceSettings.LISTEN_HTTP_ADDR, ServiceSettings.HTTP_AUTH_TYPE);
        checks.exposure(ServiceSettings.LISTEN_PG_ADDR, ServiceSettings.PG_AUTH_TYPE);
        if (configuration.isGiven(ServiceSettings.LISTEN_GRPC_ADDR)) {
            checks.exposure(ServiceSettings.LISTEN_GRPC_ADDR, ServiceSettings.GRPC_AUTH_TYPE);
        }
        checks.remoteStorage();
        checks.numbers();
        if (!checks.problems.isEmpty()) {
            throw new ConfigurationException(checks.problems);
        }
    }

    private void fail(Setting<?> setting, String why) {
        problems.add(configuration.problem(setting, why));
    }

    private void required() {
        if (!configuration.isGiven(ServiceSettings.DIRECTORY)) {
            fail(ServiceSettings.DIRECTORY, "must be given, here or as --dir");
        }
        Address http = configuration.get(ServiceSettings.LISTEN_HTTP_ADDR);
        if (http.port() != 0 && http.equals(configuration.get(ServiceSettings.LISTEN_PG_ADDR))) {
            fail(ServiceSettings.LISTEN_PG_ADDR, "is the address of listen_http_addr too");
        }
        Address grpc = configuration.find(ServiceSettings.LISTEN_GRPC_ADDR).orElse(null);
        for (Setting<Address> other : List.of(ServiceSettings.LISTEN_HTTP_ADDR, ServiceSettings.LISTEN_PG_ADDR)) {
            if (grpc != null && grpc.port() != 0 && grpc.equals(configuration.get(other))) {
                fail(ServiceSettings.LISTEN_GRPC_ADDR, "is the address of " + other + " too");
            }
        }
    }

    private void security() {
        for (Setting<ServiceSettings.AuthType> auth :
                List.of(ServiceSettings.HTTP_AUTH_TYPE, ServiceSettings.PG_AUTH_TYPE, ServiceSettings.GRPC_AUTH_TYPE)) {
            if (configuration.get(auth) == ServiceSettings.AuthType.NEON_JWT
                    && !configuration.isGiven(ServiceSettings.AUTH_VALIDATION_PUBLIC_KEY_PATH)) {
                fail(auth, "asks for tokens, and there are no keys: auth_validation_public_key_path is not given");
            }
        }
        for (Setting<TlsMode> tls : List.of(ServiceSettings.HTTP_TLS, ServiceSettings.PAGE_SERVICE_TLS)) {
            if (configuration.get(tls) != TlsMode.OFF) {
                needsCertificate(tls);
            }
        }
        if (configuration.get(ServiceSettings.GRPC_TLS)) {
            needsCertificate(ServiceSettings.GRPC_TLS);
        }
        if (configuration.isGiven(ServiceSettings.SSL_CERT_FILE)
                != configuration.isGiven(ServiceSettings.SSL_KEY_FILE)) {
            fail(
                    configuration.isGiven(ServiceSettings.SSL_CERT_FILE)
                            ? ServiceSettings.SSL_CERT_FILE
                            : ServiceSettings.SSL_KEY_FILE,
                    "is of no use alone: a certificate and its key go together");
        }
        if (configuration.get(ServiceSettings.METRICS_NEED_TOKEN)
                && configuration.get(ServiceSettings.HTTP_AUTH_TYPE) == ServiceSettings.AuthType.TRUST) {
            fail(ServiceSettings.METRICS_NEED_TOKEN, "has no effect while http_auth_type is Trust");
        }
    }

    private void needsCertificate(Setting<?> tls) {
        if (!configuration.isGiven(ServiceSettings.SSL_CERT_FILE)
                || !configuration.isGiven(ServiceSettings.SSL_KEY_FILE)) {
            fail(tls, "needs ssl_cert_file and ssl_key_file");
        }
    }

    private void exposure(Setting<Address> address, Setting<ServiceSettings.AuthType> auth) {
        Address where = configuration.get(address);
        if (configuration.get(auth) == ServiceSettings.AuthType.TRUST
                && !configuration.get(ServiceSettings.INSECURE)
                && !where.isLocal()) {
            fail(
                    address,
                    "is " + where + ", which other machines may reach, and " + auth
                            + " is Trust: whoever reaches it may do everything. Ask for tokens, or say insecure = true");
        }
    }

    private void remoteStorage() {
        boolean bucket = configuration.isGiven(StorageSettings.REMOTE_BUCKET_NAME);
        if (bucket && configuration.isGiven(StorageSettings.REMOTE_LOCAL_PATH)) {
            fail(StorageSettings.REMOTE_BUCKET_NAME, "and remote_storage.local_path cannot both be given");
        }
        if (!bucket) {
            for (Setting<?> setting : List.of(
                    StorageSettings.REMOTE_PREFIX,
                    StorageSettings.REMOTE_REGION,
                    StorageSettings.REMOTE_ENDPOINT,
                    StorageSettings.REMOTE_PROFILE,
                    StorageSettings.REMOTE_PATH_STYLE,
                    StorageSettings.REMOTE_CONDITIONAL_PUTS)) {
                if (configuration.isGiven(setting)) {
                    fail(setting, "is of a bucket, and remote_storage.bucket_name is not given");
                }
            }
        }
        atMost(StorageSettings.REMOTE_RESERVED_CALLS, StorageSettings.REMOTE_DOWNLOAD_CALLS, 1);
        if (configuration
                        .get(StorageSettings.REMOTE_LONGEST_PAUSE)
                        .compareTo(configuration.get(StorageSettings.REMOTE_FIRST_PAUSE))
                < 0) {
            fail(StorageSettings.REMOTE_LONGEST_PAUSE, "is shorter than remote_storage.first_pause");
        }
    }

    private void numbers() {
        atMost(StorageSettings.BACKGROUND_DOWNLOAD_CONCURRENCY, StorageSettings.DOWNLOAD_CONCURRENCY, 0);
        atMost(ServiceSettings.PAGE_SERVICE_MAX_BATCH_SIZE, ServiceSettings.MAX_GET_VECTORED_KEYS, 0);
        if (!configuration.get(StorageSettings.THROTTLE_TASK_KINDS).isEmpty()) {
            for (Setting<Integer> tokens : ThrottleTable.POSITIVE) {
                if (configuration.get(tokens) == 0) {
                    fail(tokens, ThrottleTable.NOBODY_SERVED);
                }
            }
        }
        for (Setting<Integer> threshold :
                List.of(StorageSettings.L0_FLUSH_DELAY_THRESHOLD, StorageSettings.L0_FLUSH_STALL_THRESHOLD)) {
            int layers = configuration.get(threshold);
            if (layers != 0 && layers <= configuration.get(StorageSettings.COMPACTION_THRESHOLD)) {
                fail(
                        threshold,
                        "is to be more than tenant_config.compaction_threshold, or it would never be left: " + layers);
            }
        }
    }

    private void atMost(Setting<Integer> smaller, Setting<Integer> larger, int difference) {
        int value = configuration.get(smaller);
        int most = configuration.get(larger) - difference;
        if (value > most) {
            fail(smaller, "is " + value + ", and with this " + larger + " at most " + most);
        }
    }
}
