package dev.palimpsest.storage.key;

/**
 * Keys of what a cluster has besides relations, SLRUs and its control file, and what Neon does not keep. Field 1 is 70;
 * sparse, and seen by branches.
 */
public final class ClusterKeys {
    private static final int KIND = 0x70;

    /** Configuration files and the like, all in one value: names and contents. */
    public static final Key FILES = Key.of(KIND, 0, 0, 0, 0, 0);

    /** The tablespaces and where each lies. */
    public static final Key TABLESPACES = Key.of(KIND, 0, 0, 0, 0, 1);

    private ClusterKeys() {}
}
