package dev.palimpsest.storage.key;

/** The SLRUs that the store keeps. PostgreSQL's other ones do not outlive a shutdown. */
public enum SlruKind {
    /** Which transactions committed. */
    XACT("pg_xact"),
    /** The members of each multixact. */
    MULTIXACT_MEMBERS("pg_multixact/members"),
    /** Where the members of each multixact start. */
    MULTIXACT_OFFSETS("pg_multixact/offsets"),
    /** When each transaction committed, if the cluster tracks that. Neon has no such keys. */
    COMMIT_TIMESTAMPS("pg_commit_ts");

    private static final SlruKind[] ALL = values();

    private final String directory;

    SlruKind(String directory) {
        this.directory = directory;
    }

    /**
     * The SLRU that a key belongs to.
     *
     * @throws IllegalArgumentException if {@code key} is no SLRU's
     */
    public static SlruKind of(Key key) {
        int number = key.field2();
        if (key.field1() != SlruKeys.KIND || number < 0 || number >= ALL.length) {
            throw new IllegalArgumentException("key " + key + " belongs to no SLRU");
        }
        return ALL[number];
    }

    /** Field 2 of its keys: 0 to 3. */
    public int number() {
        return ordinal();
    }

    /** Where PostgreSQL keeps it, relative to the data directory. */
    public String directory() {
        return directory;
    }
}
