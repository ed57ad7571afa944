package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.ServerError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks a server, before it is attached, whether that can work. Changes nothing there that outlives the asking. */
public final class SourceChecks {
    private static final String PAGE_SIZE = "8192";

    /** A position that no server has reached: who asks for it gets to the slot, and no further. */
    private static final Lsn UNREACHED = new Lsn(0xFFFFFFFF_00000000L);

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ConnectionSettings settings;
    private final String slot;
    private final List<Problem> problems = new ArrayList<>();

    private SourceChecks(ConnectionSettings settings, String slot) {
        this.settings = settings;
        this.slot = slot;
    }

    /**
     * Connects, twice at once as attaching will, and asks: version, {@code wal_level}, {@code full_page_writes}, walsenders
     * and slots allowed and free, whether there is a slot of this name and somebody uses it, whether it is a standby. A server
     * that cannot be reached, or does not let us in, is a problem like the others. Whether a slot is free is found out by
     * making a temporary one of this name, and dropping it again.
     *
     * @param slot the name of the slot that attaching will make or use
     * @return every problem found, the worst first; empty if there is none
     */
    public static List<Problem> check(ConnectionSettings settings, String slot) {
        SourceChecks checks = new SourceChecks(settings, slot);
        try (ReplicationConnection connection = ReplicationConnection.connect(settings)) {
            checks.checkSettings(connection);
            checks.checkSecondWalsender();
            checks.checkSlot(connection);
        } catch (UpstreamException e) {
            checks.error(advice(e, settings));
        }
        return checks.problems.stream()
                .sorted(Comparator.comparing(Problem::severity))
                .toList();
    }

    private void error(String message) {
        problems.add(new Problem(Problem.Severity.ERROR, message));
    }

    private void warning(String message) {
        problems.add(new Problem(Problem.Severity.WARNING, message));
    }

    private void note(String message) {
        problems.add(new Problem(Problem.Severity.NOTE, message));
    }

    private void checkSettings(ReplicationConnection connection) throws UpstreamException {
        String walLevel = connection.show("wal_level");
        if (!walLevel.equals("replica") && !walLevel.equals("logical")) {
            error("wal_level is " + walLevel + ", and its WAL does not hold all changes: set wal_level = replica and"
                    + " restart the server");
        }
        boolean standby = "on".equals(connection.reported("in_hot_standby"));
        if (connection.show("full_page_writes").equals("off")) {
            warning("full_page_writes is off: a crash of the server's machine can leave torn pages in its own files,"
                    + " which then differ from what its WAL says"
                    + (standby ? "; as it is a standby, a base backup of it fails if it is off on the primary too" : "")
                    + ". Set full_page_writes = on and reload");
        }
        for (String size : List.of("block_size", "wal_block_size")) {
            String bytes = connection.show(size);
            if (!bytes.equals(PAGE_SIZE)) {
                error(size + " is " + bytes + ": this PostgreSQL was built for other page sizes than the usual "
                        + PAGE_SIZE + ", which are not supported");
            }
        }
        if (standby) {
            note("The server is a standby: what it sends is what it has replayed, and when it is promoted we follow"
                    + " it.");
        }
        checkRetention(connection);
    }

    private void checkRetention(ReplicationConnection connection) throws UpstreamException {
        String kept = connection.show("max_slot_wal_keep_size");
        if (!kept.equals("-1")) {
            note("max_slot_wal_keep_size is " + kept
                    + ": if we fall behind by more, or are stopped for that long, the slot is"
                    + " lost and the server must be attached anew.");
        }
    }

    private void checkSecondWalsender() {
        try (ReplicationConnection second = ReplicationConnection.connect(settings)) {
            if (!second.isOpen()) {
                error("A second connection was closed at once");
            }
        } catch (ServerRefusedException e) {
            if (e.is(ServerError.TOO_MANY_CONNECTIONS)) {
                error("Attaching needs two walsenders at once, and only one is free: raise max_wal_senders and"
                        + " restart the server, or stop another receiver (see pg_stat_replication). It says: "
                        + e.serverError());
            } else {
                error(advice(e, settings));
            }
        } catch (UpstreamException e) {
            error(advice(e, settings));
        }
    }

    private void checkSlot(ReplicationConnection connection) throws UpstreamException {
        try {
            connection.createTemporarySlot(slot);
            connection.dropSlot(slot);
        } catch (ServerRefusedException e) {
            if (e.is(ServerError.DUPLICATE_OBJECT)) {
                checkExistingSlot(connection);
            } else if (e.is(ServerError.CONFIGURATION_LIMIT_EXCEEDED)) {
                error("No replication slot is free: drop one that nobody uses (see pg_replication_slots), or raise"
                        + " max_replication_slots and restart the server. It says: " + e.serverError());
            } else if (e.is(ServerError.NOT_IN_PREREQUISITE_STATE)) {
                error("The server allows no replication slots: set max_replication_slots to 1 or more, and wal_level ="
                        + " replica, and restart it. It says: " + e.serverError());
            } else {
                error("The server makes no replication slot \"" + slot + "\": " + e.serverError());
            }
        }
    }

    private void checkExistingSlot(ReplicationConnection connection) throws UpstreamException {
        String drop = "SELECT pg_drop_replication_slot('" + slot + "')";
        @Nullable String refusal = null;
        try {
            SystemIdentification system = connection.identifySystem();
            WalStream stream = connection.startReplication(slot, UNREACHED, system.timeline());
            // The stream begins before the position is looked at.
            stream.receive(PATIENCE);
            stream.stop();
        } catch (ServerRefusedException e) {
            ServerError error = e.serverError();
            if (e.is(ServerError.OBJECT_IN_USE)) {
                error("There is a replication slot \"" + slot
                        + "\", and somebody streams from it right now: use another name,"
                        + " or stop the other receiver. It says: " + error);
                return;
            }
            if (e.is(ServerError.NOT_IN_PREREQUISITE_STATE) || e.is(ServerError.UNDEFINED_OBJECT)) {
                refusal = error.toString();
            }
        }
        if (refusal != null) {
            error("There is a replication slot \"" + slot
                    + "\" that cannot be used, because it has lost its WAL or is a"
                    + " logical one: use another name, or drop it with " + drop + ". It says: " + refusal);
            return;
        }
        warning("There is a replication slot \"" + slot + "\" already, which nobody uses" + held(connection)
                + ". If it is left over from an attachment that is gone, drop it with " + drop);
    }

    private String held(ReplicationConnection connection) throws UpstreamException {
        return switch (connection.readSlot(slot)) {
            case SlotState.Physical physical ->
                physical.restartLsn() == null
                        ? ", and which keeps no WAL"
                        : ", and which keeps the server's WAL from " + physical.restartLsn() + " on";
            case SlotState.Absent absent -> "";
            case SlotState.Unknown unknown -> "";
        };
    }

    /** What went wrong, and what to do about it. */
    private static String advice(UpstreamException e, ConnectionSettings settings) {
        return e.getMessage()
                + switch (e) {
                    case CannotConnectException cannot ->
                        cannot.getCause() instanceof java.net.ConnectException
                                ? ". Check host and port, that the server runs, and that its listen_addresses let us"
                                        + " reach it"
                                : "";
                    case AuthenticationException refused -> adviceOnLogin(refused, settings);
                    case ServerRefusedException refused -> adviceOnRefusal(refused, settings);
                    case ConnectionLostException lost -> "";
                    case ProtocolBrokenException broken -> "";
                };
    }

    private static String adviceOnLogin(AuthenticationException e, ConnectionSettings settings) {
        ServerError error = e.serverError();
        if (error == null) {
            return "";
        }
        if (error.sqlState().equals(ServerError.INVALID_PASSWORD)) {
            return ". Check the password of " + settings.user();
        }
        return ". Allow it in the server's pg_hba.conf, with a line such as \"host replication " + settings.user()
                + " <our address>/32 scram-sha-256\" (\"all\" does not include \"replication\"), and reload the server";
    }

    private static String adviceOnRefusal(ServerRefusedException e, ConnectionSettings settings) {
        return switch (e.sqlState()) {
            case ServerError.INSUFFICIENT_PRIVILEGE ->
                ". Give the role the right: ALTER ROLE \"" + settings.user() + "\" REPLICATION";
            case ServerError.TOO_MANY_CONNECTIONS ->
                ". Raise max_wal_senders (0 means no replication at all, and comes with wal_level = minimal: set that"
                        + " to replica) and restart the server, or stop another receiver (see pg_stat_replication)";
            case ServerError.CANNOT_CONNECT_NOW -> ". Try again when it runs";
            default -> "";
        };
    }
}
