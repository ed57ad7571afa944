package dev.palimpsest.pageserver.upstream;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What the parameters of a connection string mean, and what they are if neither it nor the environment names them. */
final class ConnectionParameters {
    /** The parameters we follow, each with the variable of the environment that stands in for it; empty if there is none. */
    private static final Map<String, String> KNOWN = Map.ofEntries(
            Map.entry("host", "PGHOST"),
            Map.entry("hostaddr", "PGHOSTADDR"),
            Map.entry("port", "PGPORT"),
            Map.entry("dbname", "PGDATABASE"),
            Map.entry("user", "PGUSER"),
            Map.entry("password", "PGPASSWORD"),
            Map.entry("passfile", "PGPASSFILE"),
            Map.entry("connect_timeout", "PGCONNECT_TIMEOUT"),
            Map.entry("application_name", "PGAPPNAME"),
            Map.entry("fallback_application_name", ""),
            Map.entry("options", "PGOPTIONS"),
            Map.entry("target_session_attrs", "PGTARGETSESSIONATTRS"),
            Map.entry("load_balance_hosts", "PGLOADBALANCEHOSTS"),
            Map.entry("channel_binding", "PGCHANNELBINDING"),
            Map.entry("sslmode", "PGSSLMODE"),
            Map.entry("sslnegotiation", "PGSSLNEGOTIATION"),
            Map.entry("sslrootcert", "PGSSLROOTCERT"),
            Map.entry("sslcert", "PGSSLCERT"),
            Map.entry("sslkey", "PGSSLKEY"),
            Map.entry("sslpassword", ""),
            Map.entry("sslsni", "PGSSLSNI"),
            Map.entry("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
            Map.entry("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
            Map.entry("gssencmode", "PGGSSENCMODE"),
            Map.entry("replication", ""));

    /** Parameters of libpq that change nothing here, or only how fast a dead server is noticed. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "client_encoding",
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_count",
            "tcp_user_timeout",
            "sslcompression",
            "krbsrvname",
            "gsslib",
            "gssdelegation",
            "min_protocol_version",
            "max_protocol_version");

    /** Parameters of libpq that would promise what we do not hold, with their variables. */
    private static final Map<String, String> NOT_SUPPORTED = Map.of(
            "service", "PGSERVICE",
            "sslcrl", "PGSSLCRL",
            "sslcrldir", "PGSSLCRLDIR",
            "requirepeer", "PGREQUIREPEER",
            "require_auth", "PGREQUIREAUTH",
            "sslcertmode", "PGSSLCERTMODE",
            "requiressl", "PGREQUIRESSL");

    private static final String DEFAULT_APPLICATION_NAME = "palimpsest";
    private static final int LEAST_CONNECT_TIMEOUT_SECONDS = 2;

    private final Map<String, String> given;
    private final Map<String, String> environment;

    /**
     * Takes what a connection string says.
     *
     * @throws IllegalArgumentException if it names a parameter that does not exist, or is not supported
     */
    ConnectionParameters(Map<String, String> given, Map<String, String> environment) {
        this.given = given;
        this.environment = environment;
        for (String name : given.keySet()) {
            if (NOT_SUPPORTED.containsKey(name)) {
                throw wrong(name, "is not supported");
            }
            if (!KNOWN.containsKey(name) && !WITHOUT_EFFECT.contains(name)) {
                throw new IllegalArgumentException("there is no connection parameter \"" + name + "\"");
            }
        }
        NOT_SUPPORTED.forEach((name, variable) -> {
            if (!environment.getOrDefault(variable, "").isEmpty()) {
                throw new IllegalArgumentException(
                        "the environment's " + variable + " (connection parameter \"" + name + "\") is not supported");
            }
        });
    }

    private static IllegalArgumentException wrong(String name, String why) {
        return new IllegalArgumentException("connection parameter \"" + name + "\" " + why);
    }

    /** The value of a parameter, or null if it is not set; set to nothing is not set. */
    private @Nullable String value(String name) {
        String value = given.get(name);
        if (value == null) {
            value = environment.get(KNOWN.getOrDefault(name, ""));
        }
        return value == null || value.isEmpty() ? null : value;
    }

    private String value(String name, String otherwise) {
        String value = value(name);
        return value == null ? otherwise : value;
    }

    private <T> T choice(String name, String otherwise, Function<String, @Nullable T> values, String words) {
        String text = value(name, otherwise);
        T value = values.apply(text);
        if (value == null) {
            throw wrong(name, "is \"" + text + "\": it must be one of " + words);
        }
        return value;
    }

    private Path path(String name, Path otherwise) {
        String text = value(name);
        try {
            return text == null ? otherwise : Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("connection parameter \"" + name + "\" is no path: " + e.getReason(), e);
        }
    }

    private Path home() {
        return Path.of(environment.getOrDefault("HOME", System.getProperty("user.home", "/")));
    }

    /**
     * All of it.
     *
     * @throws IllegalArgumentException if a value is wrong
     */
    ConnectionSettings settings() {
        if (!value("replication", "true").matches("true|on|yes|1")) {
            throw wrong("replication", "can only be true here");
        }
        if (!value("gssencmode", "disable").matches("disable|prefer")) {
            throw wrong("gssencmode", "is not supported: encryption with GSSAPI");
        }
        String application = value("application_name");
        return new ConnectionSettings(
                addresses(),
                port("port", firstPort()),
                value("user", System.getProperty("user.name", "postgres")),
                value("dbname", ConnectionSettings.REPLICATION),
                value("password"),
                path("passfile", home().resolve(".pgpass")),
                tls(),
                choice("channel_binding", "prefer", ChannelBinding::of, "disable, prefer, require"),
                connectTimeout(),
                application != null ? application : value("fallback_application_name", DEFAULT_APPLICATION_NAME),
                value("options"),
                choice(
                        "target_session_attrs",
                        "any",
                        TargetSession::of,
                        "any, read-write, read-only, primary, standby, prefer-standby"));
    }

    private String firstPort() {
        String ports = value("port", "");
        int comma = ports.indexOf(',');
        return comma < 0 ? ports : ports.substring(0, comma);
    }

    private static int port(String name, String text) {
        if (text.isEmpty()) {
            return ServerAddress.DEFAULT_PORT;
        }
        try {
            int port = Integer.parseInt(text.strip());
            if (port >= 1 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw wrong(name, "is \"" + text + "\": it must be a number from 1 to 65535");
    }

    private Duration connectTimeout() {
        String text = value("connect_timeout", "0");
        try {
            int seconds = Integer.parseInt(text.strip());
            return seconds <= 0 ? Duration.ZERO : Duration.ofSeconds(Math.max(seconds, LEAST_CONNECT_TIMEOUT_SECONDS));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "connection parameter \"connect_timeout\" is \"" + text + "\": it must be a number of seconds", e);
        }
    }

    private List<ServerAddress> addresses() {
        boolean isRandom = choice(
                "load_balance_hosts",
                "disable",
                text -> text.equals("random") ? Boolean.TRUE : text.equals("disable") ? Boolean.FALSE : null,
                "disable, random");
        String[] hosts = list("host");
        String[] hostAddresses = list("hostaddr");
        String[] ports = list("port");
        if (hosts.length == 0 && hostAddresses.length == 0) {
            if (ports.length > 1) {
                throw wrong("port", "has " + ports.length + " values, and there is no \"host\" for them");
            }
            return List.of();
        }
        int count = Math.max(hosts.length, hostAddresses.length);
        if (hosts.length != 0 && hostAddresses.length != 0 && hosts.length != hostAddresses.length) {
            throw wrong("hostaddr", "has " + hostAddresses.length + " values, and \"host\" has " + hosts.length);
        }
        if (ports.length > 1 && ports.length != count) {
            throw wrong("port", "has " + ports.length + " values, and there are " + count + " hosts");
        }
        List<ServerAddress> addresses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String address = hostAddresses.length == 0 ? "" : hostAddresses[i];
            String host = hosts.length == 0 ? "" : hosts[i];
            int port = ports.length == 0 ? ServerAddress.DEFAULT_PORT : port("port", ports[ports.length == 1 ? 0 : i]);
            if (host.isEmpty() && address.isEmpty()) {
                host = "localhost";
            }
            addresses.add(new ServerAddress(host.isEmpty() ? address : host, address.isEmpty() ? null : address, port));
        }
        if (isRandom) {
            Collections.shuffle(addresses, new Random(System.nanoTime()));
        }
        return addresses;
    }

    private String[] list(String name) {
        String value = value(name);
        if (value == null) {
            return new String[0];
        }
        String[] values = value.split(",", -1);
        for (int i = 0; i < values.length; i++) {
            values[i] = values[i].strip();
        }
        return values;
    }

    private TlsSettings tls() {
        Path directory = home().resolve(".postgresql");
        boolean system = value("sslrootcert", "").equals("system");
        SslMode mode = choice(
                "sslmode",
                system ? "verify-full" : "prefer",
                SslMode::of,
                "disable, allow, prefer, require, verify-ca, verify-full");
        if (system && mode != SslMode.VERIFY_FULL) {
            throw wrong("sslmode", "is \"" + mode + "\": with sslrootcert=system it must be verify-full");
        }
        TlsSettings.Negotiation negotiation = choice(
                "sslnegotiation",
                "postgres",
                text -> switch (text) {
                    case "postgres" -> TlsSettings.Negotiation.POSTGRES;
                    case "direct" -> TlsSettings.Negotiation.DIRECT;
                    default -> null;
                },
                "postgres, direct");
        if (negotiation == TlsSettings.Negotiation.DIRECT && mode.compareTo(SslMode.REQUIRE) < 0) {
            throw wrong("sslmode", "is \"" + mode + "\": with sslnegotiation=direct it must be require or stricter");
        }
        return new TlsSettings(
                mode,
                negotiation,
                system ? null : path("sslrootcert", directory.resolve("root.crt")),
                path("sslcert", directory.resolve("postgresql.crt")),
                path("sslkey", directory.resolve("postgresql.key")),
                value("sslpassword"),
                choice(
                        "sslsni",
                        "1",
                        text -> switch (text) {
                            case "1" -> TlsSettings.ServerNameIndication.SENT;
                            case "0" -> TlsSettings.ServerNameIndication.NOT_SENT;
                            default -> null;
                        },
                        "0, 1"),
                version("ssl_min_protocol_version", "TLSv1.2"),
                value("ssl_max_protocol_version") == null ? null : version("ssl_max_protocol_version", ""));
    }

    private String version(String name, String otherwise) {
        return choice(
                name,
                otherwise,
                text -> text.equals("TLSv1.2") || text.equals("TLSv1.3") ? text : null,
                "TLSv1.2, TLSv1.3");
    }
}
