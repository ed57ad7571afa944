package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.security.Caller;
import dev.palimpsest.pageserver.security.InterfaceSecurity;
import dev.palimpsest.pageserver.security.InvalidTokenException;
import dev.palimpsest.pageserver.security.ServerTls;
import dev.palimpsest.pageserver.security.TlsMode;
import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.postgres.protocol.ServerMessages;
import dev.palimpsest.postgres.protocol.StartupPacket;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, from its first packet to its end: startup, then commands by simple query or by the extended protocol without
 * parameters. It may ask for one tenant only. Runs in a thread of its own; {@link #input}, {@link #output} and {@link #name}
 * are for others.
 */
final class ClientConnection {
    private static final Logger LOG = LoggerFactory.getLogger(ClientConnection.class);

    private static final String INTERNAL_ERROR = "XX000";
    private static final String PROTOCOL_VIOLATION = "08P01";
    private static final String SYNTAX_ERROR = "42601";
    private static final String INVALID_PASSWORD = "28P01";
    private static final String INVALID_AUTHORIZATION = "28000";
    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final String ADMIN_SHUTDOWN = "57P01";
    private static final String TOO_MANY_CONNECTIONS = "53300";
    private static final String INVALID_PARAMETER_VALUE = "22023";
    private static final String ALPN = "postgresql";
    /** The first byte of a TLS handshake. */
    private static final int TLS_HANDSHAKE = 0x16;

    private static final String LEASE_COLUMN = "valid_until";

    private final String name;
    private final Socket socket;
    private final ClientInput in;
    private final ClientOutput out;
    private final ServedTimelines timelines;
    private final PageServiceSettings settings;
    private final InterfaceSecurity security;
    private final PageServiceMetrics metrics;
    private final RequestContexts contexts;
    private final TenantThrottle throttle;
    private final TenantClients tenantClients;
    private final Backups backups;
    private final long began = System.nanoTime();
    private boolean encrypted;
    /** Null until it is let in. */
    private volatile @Nullable Caller caller;

    private @Nullable TenantId tenant;
    private String parsed = "";

    /**
     * @param socket of a channel, which whoever runs this closes afterwards
     * @param contexts gives each request its own
     */
    ClientConnection(
            Socket socket,
            ServedTimelines timelines,
            PageServiceSettings settings,
            InterfaceSecurity security,
            PageServiceMetrics metrics,
            TenantThrottle throttle,
            TenantClients tenantClients,
            RequestContexts contexts)
            throws IOException {
        this.socket = socket;
        this.name = String.valueOf(socket.getRemoteSocketAddress());
        this.in = new ClientInput(socket.getInputStream());
        this.out = new ClientOutput(socket.getChannel());
        this.timelines = timelines;
        this.settings = settings;
        this.security = security;
        this.metrics = metrics;
        this.throttle = throttle;
        this.tenantClients = tenantClients;
        this.contexts = contexts;
        this.backups = new Backups(out, timelines);
    }

    /** Who it is, for messages. */
    String name() {
        return name;
    }

    /** Since when, by {@link System#nanoTime}, it has been at the door; 0 if it is in. */
    long loggingInSince() {
        return caller == null ? Math.max(1, began) : 0;
    }

    /** What comes in. */
    ClientInput input() {
        return in;
    }

    /** What goes out. */
    ClientOutput output() {
        return out;
    }

    /** Serves the client until it goes, or must go. */
    void run() throws IOException {
        try (out) {
            serveClient();
        } finally {
            TenantId of = tenant;
            if (of != null) {
                tenantClients.leave(of);
            }
        }
    }

    private void serveClient() throws IOException {
        try {
            if (startUp()) {
                serve();
            }
            // Whoever did not end the connection himself is to know that it was not for what he asked.
            if (contexts.isShutDown()) {
                error(ADMIN_SHUTDOWN, "shutdown");
            }
        } catch (MalformedMessageException e) {
            LOG.warn("client {} breaks the protocol: {}", name, e.getMessage());
            error(PROTOCOL_VIOLATION, e.getMessage());
        } catch (TooManyClientsException e) {
            LOG.warn("client {} is sent away: {}", name, e.getMessage());
            error(TOO_MANY_CONNECTIONS, e.getMessage());
        } catch (CancelledException e) {
            error(ADMIN_SHUTDOWN, "shutdown");
        }
    }

    private void error(String sqlState, @Nullable String message) throws IOException {
        out.message(ServerMessages.error(sqlState, String.valueOf(message)));
        out.flush();
    }

    /** The first packets; false if the connection is to end. */
    private boolean startUp() throws IOException, MalformedMessageException {
        if (in.peek() == TLS_HANDSHAKE && !directTls()) {
            return false;
        }
        while (true) {
            MessageBody packet = in.startupPacket();
            if (packet == null) {
                return false;
            }
            switch (StartupPacket.decode(packet)) {
                case StartupPacket.SslRequest _ -> requestedTls();
                case StartupPacket.GssRequest _ -> {
                    out.int8('N');
                    out.flush();
                }
                case StartupPacket.CancelRequest _ -> {
                    return false; // nothing here is cancelled this way: the client closes its connection instead
                }
                case StartupPacket.Startup startup -> {
                    LOG.debug(
                            "client {} is {}", name, startup.parameters().getOrDefault("application_name", "nameless"));
                    if (!letIn()) {
                        return false;
                    }
                    out.message(ServerMessages.authenticationOk());
                    out.message(ServerMessages.parameterStatus("client_encoding", "UTF8"));
                    out.message(ServerMessages.parameterStatus("integer_datetimes", "on"));
                    out.message(ServerMessages.parameterStatus("server_version", "14.1"));
                    out.message(ServerMessages.readyForQuery());
                    out.flush();
                    return true;
                }
            }
        }
    }

    private void requestedTls() throws IOException, MalformedMessageException {
        if (encrypted) {
            throw new MalformedMessageException("TLS within TLS");
        }
        SSLContext context = tls();
        if (context == null) {
            out.int8('N');
            out.flush();
            return;
        }
        // What came in plain text after the request may be of somebody in between, and must not pass for the client's.
        if (in.takeUnused().length > 0) {
            throw new MalformedMessageException("something was sent before TLS was agreed on");
        }
        out.int8('S');
        out.flush();
        encrypt(context, new byte[0]);
    }

    /** TLS from the first byte, as of PostgreSQL 17: with ALPN only, so that nobody takes this for a service that it is not. */
    private boolean directTls() throws IOException {
        SSLContext context = tls();
        if (context == null) {
            LOG.info("client {} begins with TLS, which is off", name);
            return false;
        }
        SSLSocket socket = encrypt(context, in.takeUnused());
        if (!ALPN.equals(socket.getApplicationProtocol())) {
            LOG.info("client {} begins with TLS, but not with the protocol postgresql in it", name);
            return false;
        }
        return true;
    }

    private @Nullable SSLContext tls() {
        return security.mode() == TlsMode.OFF
                ? null
                : security.tls().map(ServerTls::context).orElse(null);
    }

    /** @param first what of the handshake was read already */
    private SSLSocket encrypt(SSLContext context, byte[] first) throws IOException {
        SSLSocket above =
                (SSLSocket) context.getSocketFactory().createSocket(socket, new ByteArrayInputStream(first), true);
        SSLParameters parameters = above.getSSLParameters();
        parameters.setProtocols(ServerTls.PROTOCOLS.toArray(String[]::new));
        parameters.setApplicationProtocols(new String[] {ALPN});
        above.setSSLParameters(parameters);
        above.startHandshake();
        in.continueWith(above.getInputStream());
        out.continueWith(above.getOutputStream());
        encrypted = true;
        return above;
    }

    /** Whether the client may come in; if not, it was told why. */
    private boolean letIn() throws IOException, MalformedMessageException {
        if (security.mode() == TlsMode.REQUIRED && !encrypted) {
            metrics.refused();
            error(INVALID_AUTHORIZATION, "must connect with TLS");
            return false;
        }
        String token = null;
        if (security.authentication().isRequired()) {
            out.message(ServerMessages.passwordRequest());
            out.flush();
            int type = in.next();
            if (type == -1) {
                return false;
            }
            if (type != FrontendMessage.PASSWORD) {
                throw new MalformedMessageException("a password is expected, and nothing else");
            }
            token = in.body().string();
        }
        try {
            caller = security.authentication().authenticate(token);
            return true;
        } catch (InvalidTokenException e) {
            metrics.refused();
            LOG.info("client {} is not let in: {}", name, e.getMessage());
            error(INVALID_PASSWORD, "JWT authentication error: " + e.getMessage());
            return false;
        }
    }

    private void serve() throws IOException, MalformedMessageException, CancelledException {
        while (true) {
            int type = in.next();
            switch (type) {
                case -1, FrontendMessage.TERMINATE -> {
                    return;
                }
                case FrontendMessage.QUERY -> {
                    if (!command(in.body().string(), false)) {
                        return;
                    }
                    ready();
                }
                case FrontendMessage.PARSE,
                        FrontendMessage.BIND,
                        FrontendMessage.DESCRIBE,
                        FrontendMessage.EXECUTE,
                        FrontendMessage.CLOSE -> {
                    if (!extended(type, in.body())) {
                        return;
                    }
                }
                case FrontendMessage.FLUSH -> out.flush();
                case FrontendMessage.SYNC -> ready();
                default ->
                    throw new MalformedMessageException(
                            "a message of type 0x" + Integer.toHexString(type & 0xFF) + " is not expected");
            }
        }
    }

    private void ready() throws IOException {
        out.message(ServerMessages.readyForQuery());
        out.flush();
    }

    /** A message of the extended protocol; false if the connection is to end. */
    private boolean extended(int type, MessageBody body)
            throws IOException, MalformedMessageException, CancelledException {
        switch (type) {
            case FrontendMessage.PARSE -> {
                body.string(); // its name: there is only ever one
                parsed = body.string();
                if (body.int16() != 0) {
                    throw new MalformedMessageException("no command here takes parameters");
                }
                out.message(ServerMessages.bare(BackendMessage.PARSE_COMPLETE));
            }
            case FrontendMessage.BIND -> out.message(ServerMessages.bare(BackendMessage.BIND_COMPLETE));
            case FrontendMessage.DESCRIBE -> {
                if (body.int8() == 'S') {
                    out.message(ServerMessages.noParameters());
                }
                out.message(
                        PageServiceCommand.isLease(parsed)
                                ? ServerMessages.textColumn(LEASE_COLUMN)
                                : ServerMessages.bare(BackendMessage.NO_DATA));
            }
            case FrontendMessage.CLOSE -> out.message(ServerMessages.bare(BackendMessage.CLOSE_COMPLETE));
            default -> {
                return command(parsed, true);
            }
        }
        return true;
    }

    /**
     * Runs a command; false if the connection is to end.
     *
     * @param described whether the client knows already what the answer looks like
     */
    private boolean command(String query, boolean described)
            throws IOException, MalformedMessageException, CancelledException {
        PageServiceCommand command;
        try {
            command = PageServiceCommand.parse(query);
        } catch (IllegalArgumentException e) {
            error(SYNTAX_ERROR, e.getMessage());
            return true;
        }
        metrics.command(command);
        switch (command) {
            case PageServiceCommand.Set _ -> out.message(ServerMessages.commandComplete("SET"));
            case PageServiceCommand.Pagestream stream -> {
                return !pagestream(stream);
            }
            case PageServiceCommand.BaseBackup backup -> baseBackup(backup);
            case PageServiceCommand.FullBackup full -> {
                ServedTimeline timeline = find(full.tenant(), full.timeline());
                if (timeline != null) {
                    backup(timeline, () -> backups.full(timeline, full, contexts.longRead()));
                }
            }
            case PageServiceCommand.Lease lease -> lease(lease, described);
        }
        return true;
    }

    /** Whether there was one, which has ended. */
    private boolean pagestream(PageServiceCommand.Pagestream command)
            throws IOException, MalformedMessageException, CancelledException {
        ServedTimeline timeline = find(command.tenant(), command.timeline());
        if (timeline == null) {
            return false;
        }
        new Pagestream(
                        in,
                        out,
                        command.version(),
                        new PageReads(timeline, contexts.waits()),
                        metrics,
                        settings.maxBatchSize(),
                        contexts,
                        requests -> throttle.await(command.tenant(), requests, contexts.waits()))
                .run();
        return true;
    }

    /** A timeline; null if there is none, which the client has been told. */
    private @Nullable ServedTimeline find(TenantId of, TimelineId id) throws IOException {
        Caller asking = caller;
        if (asking == null || !asking.mayUse(of)) {
            error(INSUFFICIENT_PRIVILEGE, "this token is not for tenant " + of);
            return null;
        }
        TenantId first = tenant;
        if (first != null && !first.equals(of)) {
            error(INTERNAL_ERROR, "this connection is for tenant " + first + ", not for " + of);
            return null;
        }
        ServedTimeline timeline = timelines.find(of, id).orElse(null);
        if (timeline == null) {
            error(INTERNAL_ERROR, "not found: timeline " + id + " of tenant " + of);
            return null;
        }
        if (first == null) {
            int most = settings.maxConnectionsOfTenant();
            if (!tenantClients.enter(of, most)) {
                throw new TooManyClientsException("tenant " + of + " has " + most
                        + " clients already, which is as many as it may have (page_service_tenant_percent)");
            }
            tenant = of;
        }
        return timeline;
    }

    private void baseBackup(PageServiceCommand.BaseBackup command) throws IOException, CancelledException {
        ServedTimeline timeline = find(command.tenant(), command.timeline());
        if (timeline == null) {
            return;
        }
        long start = System.nanoTime();
        PageServiceMetrics.BackupResult result = PageServiceMetrics.BackupResult.CLIENT_ERROR;
        try {
            boolean done = backup(timeline, () -> backups.base(timeline, command, contexts.longRead()));
            out.flush();
            result = done ? PageServiceMetrics.BackupResult.OK : PageServiceMetrics.BackupResult.ERROR;
        } finally {
            metrics.baseBackup(result, System.nanoTime() - start);
        }
    }

    /** Sends a backup. */
    @FunctionalInterface
    private interface Backup {
        void send() throws StorageException, IOException;
    }

    /** Whether it was sent; if not, the client has been told why. */
    private boolean backup(ServedTimeline timeline, Backup backup) throws IOException, CancelledException {
        try {
            backup.send();
            return true;
        } catch (CancelledException e) {
            throw e;
        } catch (StorageException e) {
            LOG.warn(
                    "client {} gets no backup of timeline {}",
                    name,
                    timeline.timeline().id(),
                    e);
            error(INTERNAL_ERROR, e.getMessage());
            return false;
        }
    }

    /** @param described whether the client knows already what the answer looks like */
    private void lease(PageServiceCommand.Lease command, boolean described) throws IOException {
        ServedTimeline timeline = find(command.tenant(), command.timeline());
        if (timeline == null) {
            return;
        }
        String until = null;
        try {
            until = Long.toString(
                    timelines.lease(timeline.timeline().id(), command.lsn()).toEpochMilli());
        } catch (InvalidRequestException e) {
            String why = timeline.isCutOff(command.lsn()) ? timeline.whyCutOff(command.lsn()) : e.getMessage();
            LOG.info("client {} gets no lease of {}: {}", name, command.lsn(), why);
            // Neon says no by NULL alone, which clients know; why not is for people.
            out.message(ServerMessages.warning(INVALID_PARAMETER_VALUE, String.valueOf(why)));
        }
        if (!described) {
            out.message(ServerMessages.textColumn(LEASE_COLUMN));
        }
        out.message(ServerMessages.textRow(until));
        out.message(ServerMessages.commandComplete("SELECT 1"));
    }
}
