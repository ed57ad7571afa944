package dev.palimpsest.postgres.control;

import java.util.Locale;

/** How much goes into the WAL: the setting {@code wal_level}, in the order of PostgreSQL's numbers from 0. */
public enum WalLevel {
    /** What crash recovery needs. */
    MINIMAL,
    /** And what a standby needs. */
    REPLICA,
    /** And what logical decoding needs. */
    LOGICAL;

    private static final WalLevel[] ALL = values();

    /** Whether a level has this number. */
    public static boolean isValid(int number) {
        return number >= 0 && number < ALL.length;
    }

    /**
     * The level with PostgreSQL's number, 0 to 2.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static WalLevel of(int number) {
        if (!isValid(number)) {
            throw new IllegalArgumentException("no wal_level has the number " + number);
        }
        return ALL[number];
    }

    /** PostgreSQL's number, 0 to 2. */
    public int number() {
        return ordinal();
    }

    /** As in {@code postgresql.conf}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
