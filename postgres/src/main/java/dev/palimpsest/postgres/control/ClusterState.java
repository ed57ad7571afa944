package dev.palimpsest.postgres.control;

import java.util.Locale;

/** What a cluster is doing, as its control file says it; the order is that of PostgreSQL's numbers, from 0. */
public enum ClusterState {
    /** Starting. */
    STARTING_UP,
    /** Shut down. */
    SHUT_DOWN,
    /** Shut down as a standby. */
    SHUT_DOWN_IN_RECOVERY,
    /** Shutting down. */
    SHUTTING_DOWN,
    /** Recovering from a crash. */
    IN_CRASH_RECOVERY,
    /** A standby, or recovering from an archive. */
    IN_ARCHIVE_RECOVERY,
    /** Running. */
    IN_PRODUCTION;

    private static final ClusterState[] ALL = values();

    /** Whether a state has this number. */
    static boolean isValid(int number) {
        return number >= 0 && number < ALL.length;
    }

    /** The state with this number, which is valid. */
    static ClusterState of(int number) {
        return ALL[number];
    }

    /** PostgreSQL's number, 0 to 6. */
    public int number() {
        return ordinal();
    }

    /** As {@code pg_controldata} says it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
