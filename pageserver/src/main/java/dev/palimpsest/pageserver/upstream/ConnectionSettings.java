package dev.palimpsest.pageserver.upstream;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to reach a PostgreSQL, as a libpq connection string says it.
 *
 * @param addresses where it may be, tried in this order; empty for the Unix socket of this machine, or else the loopback
 *     address, at {@code defaultPort}
 * @param defaultPort the port if there is no address
 * @param user the role
 * @param database the database; physical replication has none, but lines of a password file are chosen by it
 * @param password the password, or null for that of the password file
 * @param passwordFile a file of libpq's {@code .pgpass} form; one that is missing holds no password
 * @param tls whether and how the connection is encrypted
 * @param channelBinding whether a SCRAM login is tied to the server's certificate
 * @param connectTimeout the longest that connecting to one address may take, login included; zero for no limit
 * @param applicationName the name in {@code pg_stat_replication}, by which {@code synchronous_standby_names} chooses
 * @param options settings for the server's process, such as {@code -c wal_sender_timeout=10s}, or null
 * @param targetSession which of several servers will do
 */
public record ConnectionSettings(
        List<ServerAddress> addresses,
        int defaultPort,
        String user,
        String database,
        @Nullable String password,
        Path passwordFile,
        TlsSettings tls,
        ChannelBinding channelBinding,
        Duration connectTimeout,
        String applicationName,
        @Nullable String options,
        TargetSession targetSession) {
    /** The database of a connection string that names none, as the password file knows it. */
    public static final String REPLICATION = "replication";

    /** Where servers of this machine put their Unix sockets, the likeliest first. */
    static final List<String> SOCKET_DIRECTORIES = List.of("/var/run/postgresql", "/tmp");

    /** Copies the list. */
    public ConnectionSettings {
        addresses = List.copyOf(addresses);
    }

    /**
     * Reads a connection string: {@code host=db1,db2 user=me …} or {@code postgresql://me@db1:5433/?sslmode=require}. What
     * it leaves out comes from the environment, {@code PGHOST} and its like, and from libpq's defaults.
     *
     * @param text the connection string; may be empty
     * @param environment the process's environment
     * @throws IllegalArgumentException if it is not well formed, names a parameter that libpq does not know or that we do
     *     not support, or gives one a wrong value; the message names the parameter and never shows a password
     */
    public static ConnectionSettings parse(String text, Map<String, String> environment) {
        return new ConnectionParameters(ConnectionString.parse(text), environment).settings();
    }

    /** The same with another application name. */
    public ConnectionSettings withApplicationName(String name) {
        return new ConnectionSettings(
                addresses,
                defaultPort,
                user,
                database,
                password,
                passwordFile,
                tls,
                channelBinding,
                connectTimeout,
                name,
                options,
                targetSession);
    }

    /** Where and as whom, without the password: {@code postgres@db1:5432,db2:5432}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(user).append('@');
        if (addresses.isEmpty()) {
            text.append("local:").append(defaultPort);
        }
        for (int i = 0; i < addresses.size(); i++) {
            text.append(i == 0 ? "" : ",").append(addresses.get(i));
        }
        return text.toString();
    }
}
