package dev.palimpsest.pageserver.config;

import dev.palimpsest.pageserver.security.TlsMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The settings of the interfaces: where they listen, who is let in, what clients may take; and the log. */
public final class ServiceSettings {
    private static final SettingList LIST = new SettingList();
    private static final Duration NO_TIME = Duration.ofMillis(1);
    private static final Duration LONG_TIME = Duration.ofDays(365);
    private static final int MANY = 1_000_000;
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    /** Who is let in. */
    public enum AuthType {
        /** Everybody. */
        TRUST("Trust"),
        /** Who has a token. */
        NEON_JWT("NeonJWT");

        private final String text;

        AuthType(String text) {
            this.text = text;
        }
    }

    /** How much is logged. */
    public enum LogLevel {
        /** What is wrong. */
        ERROR,
        /** And what may be. */
        WARN,
        /** And what happens. */
        INFO,
        /** And how. */
        DEBUG
    }

    /** How lines of the log look. */
    public enum LogFormat {
        /** For people. */
        PLAIN,
        /** For programs: a JSON object a line. */
        JSON
    }

    /** Where everything is kept. */
    public static final Setting<Path> DIRECTORY = LIST.add(
            "directory",
            Kind.path(),
            null,
            "Where the server keeps everything; with remote_storage, a cache of that. Made if it is not there."
                    + " Required, here or as --dir.");

    /** Which server this is. */
    public static final Setting<Integer> ID = LIST.add(
            "id",
            Kind.number(0, Integer.MAX_VALUE),
            1,
            "What this server is called by whoever places tenants on several.");

    /** Where the management API listens. */
    public static final Setting<Address> LISTEN_HTTP_ADDR = LIST.add(
            "listen_http_addr",
            Kind.address(),
            new Address("127.0.0.1", 9898),
            "Where the management API listens, with metrics and probes.");

    /** Where pages are served. */
    public static final Setting<Address> LISTEN_PG_ADDR = LIST.add(
            "listen_pg_addr",
            Kind.address(),
            new Address("127.0.0.1", 64000),
            "Where pages are served to clients that speak the page-service protocol.");

    /** Where pages are served over gRPC. */
    public static final Setting<Address> LISTEN_GRPC_ADDR = LIST.add(
            "listen_grpc_addr",
            Kind.address(),
            null,
            "Where pages are served over gRPC, such as 127.0.0.1:51051; nowhere if it is not given. What is said here"
                    + " of the page service's throttle, batches and timeouts counts there too.");

    /** Programs of PostgreSQL. */
    public static final Setting<Path> PG_BIN_DIR = LIST.add(
            "pg_bin_dir",
            Kind.path(),
            null,
            "Where the programs of PostgreSQL are looked for first, to run endpoints with.");

    /** How much is logged. */
    public static final Setting<LogLevel> LOG_LEVEL =
            LIST.reloadable("log_level", Kind.choice(LogLevel.class), LogLevel.INFO, "How much is logged.");

    /** How the log looks. */
    public static final Setting<LogFormat> LOG_FORMAT = LIST.add(
            "log_format", Kind.choice(LogFormat.class), LogFormat.PLAIN, "Lines for people, or a JSON object a line.");

    /** Who may use the management API. */
    public static final Setting<AuthType> HTTP_AUTH_TYPE = LIST.add(
            "http_auth_type",
            Kind.choice(AuthType.class, type -> type.text),
            AuthType.TRUST,
            "Who may use the management API: everybody who reaches it, or who has a token.");

    /** Who is served pages. */
    public static final Setting<AuthType> PG_AUTH_TYPE = LIST.add(
            "pg_auth_type",
            Kind.choice(AuthType.class, type -> type.text),
            AuthType.TRUST,
            "Who is served pages: everybody who reaches the page service, or who has a token, given as the password.");

    /** Who is served pages over gRPC. */
    public static final Setting<AuthType> GRPC_AUTH_TYPE = LIST.add(
            "grpc_auth_type",
            Kind.choice(AuthType.class, type -> type.text),
            AuthType.TRUST,
            "Who is served pages over gRPC: everybody who reaches listen_grpc_addr, or who has a token.");

    /** Keys of tokens. */
    public static final Setting<Path> AUTH_VALIDATION_PUBLIC_KEY_PATH = LIST.add(
            "auth_validation_public_key_path",
            Kind.path(),
            null,
            "Public keys or certificates that tokens are verified with, Ed25519 or RSA: a PEM file, or a directory of"
                    + " which every *.pem counts. Its content is reloaded.");

    /** Whether metrics need a token. */
    public static final Setting<Boolean> METRICS_NEED_TOKEN = LIST.add(
            "metrics_need_token",
            Kind.truth(),
            false,
            "Whether /metrics is for tokens of scope pageserverapi only, where the management API needs tokens.");

    /** Whether the management API encrypts. */
    public static final Setting<TlsMode> HTTP_TLS = LIST.add(
            "http_tls",
            Kind.choice(TlsMode.class),
            TlsMode.OFF,
            "Whether the management API speaks TLS: never, if the client does, or always.");

    /** Whether the page service encrypts. */
    public static final Setting<TlsMode> PAGE_SERVICE_TLS = LIST.add(
            "page_service_tls",
            Kind.choice(TlsMode.class),
            TlsMode.OFF,
            "Whether the page service speaks TLS: never, if the client wants it, or always.");

    /** Whether gRPC encrypts. */
    public static final Setting<Boolean> GRPC_TLS =
            LIST.add("grpc_tls", Kind.truth(), false, "Whether pages are served over gRPC with TLS: always, or never.");

    /** The certificate. */
    public static final Setting<Path> SSL_CERT_FILE = LIST.add(
            "ssl_cert_file",
            Kind.path(),
            null,
            "The server's certificate, and those that lead to its authority, in PEM. Its content is reloaded.");

    /** The certificate's key. */
    public static final Setting<Path> SSL_KEY_FILE = LIST.add(
            "ssl_key_file",
            Kind.path(),
            null,
            "The certificate's private key in PEM, which only its owner may be able to read. Its content is reloaded.");

    /** How often to look at certificates and keys. */
    public static final Setting<Duration> SSL_CERT_RELOAD_PERIOD = LIST.add(
            "ssl_cert_reload_period",
            Kind.time(Duration.ofMillis(100), LONG_TIME),
            Duration.ofMinutes(1),
            "How often to look whether the certificate, its key or the public keys have changed, and load them if so.");

    /** Whether to listen everywhere without authentication. */
    public static final Setting<Boolean> INSECURE = LIST.add(
            "insecure",
            Kind.truth(),
            false,
            "Lets an interface listen where other machines reach it although it asks for no tokens. Whoever reaches it"
                    + " may do everything, to programs on this machine too.");

    /** Connections of the management API. */
    public static final Setting<Integer> HTTP_MAX_CONNECTIONS = LIST.add(
            "http_max_connections",
            Kind.number(1, MANY),
            1000,
            "How many connections of the management API there may be at once; more wait.");

    /** Headers of a request. */
    public static final Setting<Long> HTTP_MAX_HEADER_SIZE = LIST.add(
            "http_max_header_size",
            Kind.bytes(KIB, MIB),
            16 * KIB,
            "How large the request line and all headers of a request may be together.");

    /** How long a request takes. */
    public static final Setting<Duration> HTTP_REQUEST_TIMEOUT = LIST.reloadable(
            "http_request_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(1),
            "How long a connection may take, from its beginning or its last answer, until its next request is here as"
                    + " a whole.");

    /** Clients of the page service. */
    public static final Setting<Integer> PAGE_SERVICE_MAX_CONNECTIONS = LIST.reloadable(
            "page_service_max_connections",
            Kind.number(1, MANY),
            5000,
            "How many clients of the page service there may be at once; each takes a thread, and 20 to 200 KiB. More"
                    + " are sent away.");

    /** Clients of one tenant. */
    public static final Setting<Integer> PAGE_SERVICE_TENANT_PERCENT = LIST.reloadable(
            "page_service_tenant_percent",
            Kind.number(1, 100),
            50,
            "How many percent of page_service_max_connections the clients of one tenant may be, so that it leaves room for"
                    + " others. More are sent away once they ask for something of the tenant.");

    /** How long a login takes. */
    public static final Setting<Duration> PAGE_SERVICE_LOGIN_TIMEOUT = LIST.reloadable(
            "page_service_login_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(1),
            "How long a client of the page service may take until it is let in, with its TLS handshake.");

    /** How long a client is silent. */
    public static final Setting<Duration> PAGE_SERVICE_IDLE_TIMEOUT = LIST.reloadable(
            "page_service_idle_timeout",
            Kind.time(Duration.ZERO, LONG_TIME),
            Duration.ZERO,
            "How long a client of the page service may be silent between two messages; 0 for ever. Clients whose"
                    + " machine is gone are found out by TCP within two minutes.");

    /** How long a message takes. */
    public static final Setting<Duration> PAGE_SERVICE_MESSAGE_TIMEOUT = LIST.reloadable(
            "page_service_message_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(1),
            "How long a client of the page service may take for a message that it has begun to send.");

    /** How long a client takes nothing. */
    public static final Setting<Duration> PAGE_SERVICE_WRITE_TIMEOUT = LIST.reloadable(
            "page_service_write_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(2),
            "How long a client of the page service may not take what it is sent.");

    /** Connections of gRPC. */
    public static final Setting<Integer> GRPC_MAX_CONNECTIONS = LIST.add(
            "grpc_max_connections",
            Kind.number(1, MANY),
            1000,
            "How many gRPC connections there may be at once, each with up to 256 calls. More are sent away.");

    /** Calls of gRPC. */
    public static final Setting<Integer> GRPC_MAX_CALLS = LIST.add(
            "grpc_max_calls",
            Kind.number(1, MANY),
            2000,
            "How many gRPC calls there may be at once over all connections; a stream of requests is one, and takes a"
                    + " thread while it is served. More are refused.");

    /** How long a read waits for WAL. */
    public static final Setting<Duration> WAIT_LSN_TIMEOUT = LIST.reloadable(
            "wait_lsn_timeout",
            Kind.time(NO_TIME, LONG_TIME),
            Duration.ofMinutes(5),
            "How long a read waits for WAL that has not come in yet.");

    /** How many pages are read at once. */
    public static final Setting<Integer> PAGE_SERVICE_MAX_BATCH_SIZE = LIST.reloadable(
            "page_service_max_batch_size",
            Kind.number(1, 256),
            32,
            "How many pages are read at once for one client, at most max_get_vectored_keys.");

    /** When a request is slow. */
    public static final Setting<Duration> SLOW_REQUEST_THRESHOLD = LIST.reloadable(
            "slow_request_threshold",
            Kind.time(Duration.ZERO, LONG_TIME),
            Duration.ofSeconds(1),
            "A request of the page service, or over gRPC, that takes as long as this is logged with where its time"
                    + " went, ten of them a second at most; 0 for none.");

    /** How many requests are logged anyway. */
    public static final Setting<Integer> REQUEST_TRACE_INTERVAL = LIST.reloadable(
            "request_trace_interval",
            Kind.number(0, MANY),
            0,
            "One of so many requests of each client of the page service, of each gRPC stream and of all other gRPC"
                    + " calls together is logged like that, however fast it was; 0 for none.");

    /** How many keys a vectored read has. */
    public static final Setting<Integer> MAX_GET_VECTORED_KEYS = LIST.add(
            "max_get_vectored_keys", Kind.number(1, 65536), 256, "How many keys one vectored read has at most.");

    private ServiceSettings() {}

    static List<Setting<?>> all() {
        return LIST.all();
    }
}
