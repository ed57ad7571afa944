package dev.palimpsest.pageserver.upstream;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.StringPreparation;
import com.ongres.scram.common.exception.ScramException;
import com.ongres.scram.common.exception.ScramRuntimeException;
import com.ongres.scram.common.util.TlsServerEndpoint;
import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.postgres.protocol.ServerError;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The first words on a fresh connection: who we are, and the proof of it, up to where commands may be given. */
final class Login {
    private static final String SCRAM = "SCRAM-SHA-256";
    private static final String SCRAM_PLUS = "SCRAM-SHA-256-PLUS";

    private final Wire wire;
    private final ConnectionSettings settings;
    private final PasswordFile.Lookup password;
    private final @Nullable X509Certificate serverCertificate;
    private final long deadline;
    private @Nullable ScramClient scram;
    private boolean scramFinished;
    private boolean passwordUsed;
    private boolean channelBound;

    /**
     * A login to come.
     *
     * @param password what there is to prove it with
     * @param serverCertificate whom the connection is encrypted with, or null
     * @param deadline until when, on the clock of {@link System#nanoTime}
     */
    Login(
            Wire wire,
            ConnectionSettings settings,
            PasswordFile.Lookup password,
            @Nullable X509Certificate serverCertificate,
            long deadline) {
        this.wire = wire;
        this.settings = settings;
        this.password = password;
        this.serverCertificate = serverCertificate;
        this.deadline = deadline;
    }

    /** Logs in; returns when the server waits for a command. */
    void run() throws UpstreamException {
        send(FrontendMessage.startup(parameters()));
        boolean letIn = false;
        while (true) {
            byte type = wire.expect(left(), "an answer to the login");
            switch (type) {
                case BackendMessage.AUTHENTICATION -> letIn |= authenticate();
                case BackendMessage.ERROR_RESPONSE -> throw refused(wire.error());
                case BackendMessage.BACKEND_KEY_DATA, BackendMessage.NEGOTIATE_PROTOCOL_VERSION -> {
                    // We cancel by closing, and ask for nothing that is negotiated.
                }
                case BackendMessage.READY_FOR_QUERY -> {
                    if (!letIn) {
                        throw wire.unexpected(type, "before the login was answered");
                    }
                    wire.loggedIn();
                    return;
                }
                default -> throw wire.unexpected(type, "during the login");
            }
        }
    }

    private Map<String, String> parameters() {
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("user", settings.user());
        parameters.put("replication", "true");
        parameters.put("client_encoding", "UTF8");
        if (!settings.applicationName().isEmpty()) {
            parameters.put("application_name", settings.applicationName());
        }
        if (settings.options() != null) {
            parameters.put("options", settings.options());
        }
        return parameters;
    }

    private Duration left() {
        return Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
    }

    private void send(byte[] message) throws UpstreamException {
        wire.send(message, left());
    }

    private UpstreamException refused(ServerError error) {
        wire.close();
        String who = "user \"" + settings.user() + "\"";
        if (error.isInClass("28")) {
            String note = passwordUsed && !password.note().isEmpty() ? " (" + password.note() + ")" : "";
            return new AuthenticationException(
                    wire.address() + " does not let " + who + " in for replication: " + error + note, error);
        }
        return new ServerRefusedException(
                wire.address() + " refuses a replication connection of " + who + ": " + error, error);
    }

    private AuthenticationException giveUp(String why) {
        wire.close();
        return new AuthenticationException(wire.address() + ": " + why);
    }

    private AuthenticationException giveUp(String why, Exception cause) {
        wire.close();
        return new AuthenticationException(wire.address() + ": " + why + ": " + cause.getMessage(), cause);
    }

    /** Takes an Authentication message; true if we are let in. */
    private boolean authenticate() throws UpstreamException {
        try {
            MessageBody body = wire.body();
            int code = body.int32();
            if (settings.channelBinding() == ChannelBinding.REQUIRE
                    && ((code == BackendMessage.AUTHENTICATION_OK && !channelBound)
                            || code == BackendMessage.AUTHENTICATION_CLEARTEXT
                            || code == BackendMessage.AUTHENTICATION_MD5)) {
                throw giveUp("channel_binding=require, but the server does not log in with SCRAM and channel binding");
            }
            switch (code) {
                case BackendMessage.AUTHENTICATION_OK -> {
                    if (scram != null && !scramFinished) {
                        throw giveUp("the server broke SCRAM off without proof that it knows the password");
                    }
                    return true;
                }
                case BackendMessage.AUTHENTICATION_CLEARTEXT -> send(FrontendMessage.password(password()));
                case BackendMessage.AUTHENTICATION_MD5 ->
                    send(FrontendMessage.password(md5(settings.user(), password(), body.bytes(4))));
                case BackendMessage.AUTHENTICATION_SASL -> beginScram(BackendMessage.mechanisms(body));
                case BackendMessage.AUTHENTICATION_SASL_CONTINUE -> continueScram(rest(body));
                case BackendMessage.AUTHENTICATION_SASL_FINAL -> finishScram(rest(body));
                case BackendMessage.AUTHENTICATION_GSS, BackendMessage.AUTHENTICATION_SSPI ->
                    throw giveUp("pg_hba.conf asks for gss or sspi, which is not supported here; let it ask"
                            + " for scram-sha-256 or a client certificate");
                default ->
                    throw giveUp("the server asks for a method of login, number " + code + ", that is not known here");
            }
            return false;
        } catch (MalformedMessageException e) {
            throw wire.broken("an Authentication message", e);
        }
    }

    private static String rest(MessageBody body) throws MalformedMessageException {
        return new String(body.bytes(body.remaining()), StandardCharsets.UTF_8);
    }

    private String password() throws AuthenticationException {
        String known = password.password();
        if (known == null) {
            String note = password.note().isEmpty() ? "" : " (" + password.note() + ")";
            throw giveUp("the server asks for the password of user \"" + settings.user()
                    + "\", and there is none: give it as password= or PGPASSWORD, or in " + settings.passwordFile()
                    + note);
        }
        passwordUsed = true;
        return known;
    }

    private void beginScram(List<String> offered) throws UpstreamException {
        if (!offered.contains(SCRAM) && !offered.contains(SCRAM_PLUS)) {
            throw giveUp("the server offers " + offered + ", and of SASL only " + SCRAM + " is known here");
        }
        boolean plus = offered.contains(SCRAM_PLUS)
                && serverCertificate != null
                && settings.channelBinding() != ChannelBinding.DISABLE;
        if (settings.channelBinding() == ChannelBinding.REQUIRE && !plus) {
            throw giveUp("channel_binding=require, but the server does not offer " + SCRAM_PLUS
                    + (serverCertificate == null ? ", as the connection is not encrypted" : ""));
        }
        try {
            ScramClient client = client(offered, plus);
            scram = client;
            channelBound = client.getScramMechanism().isPlus();
            send(FrontendMessage.saslInitialResponse(
                    client.getScramMechanism().getName(),
                    client.clientFirstMessage().toString()));
        } catch (CertificateException e) {
            throw giveUp("the server's certificate cannot be bound to", e);
        } catch (ScramRuntimeException | IllegalArgumentException e) {
            throw giveUp("SCRAM cannot begin", e);
        }
    }

    private ScramClient client(List<String> offered, boolean plus)
            throws AuthenticationException, CertificateException {
        // The server takes the user from the startup message, and ignores the one in here.
        var builder = ScramClient.builder()
                .advertisedMechanisms(offered)
                .username("*")
                .password(password().toCharArray())
                .stringPreparation(StringPreparation.POSTGRESQL_PREPARATION);
        if (plus) {
            builder.channelBinding(
                    TlsServerEndpoint.TLS_SERVER_END_POINT,
                    TlsServerEndpoint.getChannelBindingData(Objects.requireNonNull(serverCertificate)));
        }
        return builder.build();
    }

    private void continueScram(String challenge) throws UpstreamException {
        ScramClient client = scram;
        if (client == null || scramFinished) {
            throw wire.broken("a SASL challenge out of turn");
        }
        try {
            client.serverFirstMessage(challenge);
            send(FrontendMessage.saslResponse(client.clientFinalMessage().toString()));
        } catch (ScramException | ScramRuntimeException | IllegalArgumentException | IllegalStateException e) {
            throw giveUp("the server's part in SCRAM is wrong", e);
        }
    }

    private void finishScram(String proof) throws UpstreamException {
        ScramClient client = scram;
        if (client == null || scramFinished) {
            throw wire.broken("the end of SASL out of turn");
        }
        try {
            client.serverFinalMessage(proof);
            scramFinished = true;
        } catch (ScramException | ScramRuntimeException | IllegalArgumentException | IllegalStateException e) {
            throw giveUp("the server does not prove that it knows the password", e);
        }
    }

    /** {@code md5} and the hexadecimal MD5 of (the hexadecimal MD5 of password and user) and the salt. */
    static String md5(String user, String password, byte[] salt) {
        try {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            digest.update(password.getBytes(StandardCharsets.UTF_8));
            digest.update(user.getBytes(StandardCharsets.UTF_8));
            String inner = HexFormat.of().formatHex(digest.digest());
            digest.update(inner.getBytes(StandardCharsets.US_ASCII));
            digest.update(salt);
            return "md5" + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
