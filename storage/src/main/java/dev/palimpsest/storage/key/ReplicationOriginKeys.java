package dev.palimpsest.storage.key;

/** The keys of replication origins: how far each was replayed. Field 1 is 63, field 6 the origin's id; sparse. */
public final class ReplicationOriginKeys {
    private static final int KIND = 0x63;

    /** All replication origins. */
    public static final KeyRange ALL = new KeyRange(Key.of(KIND, 0, 0, 0, 0, 0), Key.of(KIND, 0, 0, 0, 0, 0x1_0000));

    private ReplicationOriginKeys() {}

    /**
     * The key of an origin.
     *
     * @param origin 0 to 65535
     */
    public static Key origin(int origin) {
        if (origin >>> 16 != 0) {
            throw new IllegalArgumentException("not a replication origin: " + origin);
        }
        return Key.of(KIND, 0, 0, 0, 0, origin);
    }

    /**
     * The id of the origin that {@code key} belongs to, 0 to 65535.
     *
     * @throws IllegalArgumentException if it belongs to none
     */
    public static int origin(Key key) {
        if (!ALL.contains(key)) {
            throw new IllegalArgumentException("key " + key + " belongs to no replication origin");
        }
        return key.field6();
    }
}
