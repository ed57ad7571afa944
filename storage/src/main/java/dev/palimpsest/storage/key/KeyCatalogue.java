package dev.palimpsest.storage.key;

import java.util.List;

/**
 * What holds for whole kinds of keys. Which keys there are: {@link RelationKeys} and {@link RelTag}, {@link SlruKeys},
 * {@link TwoPhaseKeys}, {@link ControlKeys}, {@link AuxFileKeys}, {@link ReplicationOriginKeys}.
 *
 * <p>Keys are <i>dense</i> or <i>sparse</i>. Dense keys are listed by directories and sizes; each that is listed must be
 * there. Sparse keys, also called metadata keys, are found by looking; any may be absent, and that is no error.
 */
public final class KeyCatalogue {
    private static final int SPARSE_FIRST = 0x60;
    private static final int SPARSE_END = 0x7F;

    /** Where sparse keys may lie. */
    public static final KeyRange SPARSE = KeyRange.ofKinds(SPARSE_FIRST, SPARSE_END);

    /** The sparse keys that are in use: what image layers of sparse keys cover. */
    public static final KeySpace SPARSE_IN_USE = KeySpace.ofUnordered(List.of(
            AuxFileKeys.ALL,
            ReplicationOriginKeys.ALL,
            RelationKeys.DIRECTORY_ENTRIES,
            KeyRange.single(ClusterKeys.FILES),
            KeyRange.single(ClusterKeys.TABLESPACES)));

    /**
     * The keys that a branch does not see of its ancestor: auxiliary files, also in their old form, and replication origins.
     * All others it does, as the read path of Neon has it (a predicate elsewhere in Neon says otherwise of relation
     * directories, version 2).
     */
    public static final KeySpace NOT_INHERITED =
            KeySpace.of(KeyRange.single(ControlKeys.LEGACY_AUX_FILES)).union(KeySpace.of(KeyRange.ofKinds(0x62, 0x64)));

    private KeyCatalogue() {}

    /** Whether the key may be absent without that being an error. */
    public static boolean isSparse(Key key) {
        return key.field1() >= SPARSE_FIRST && key.field1() < SPARSE_END;
    }

    /** Whether a branch sees what its ancestor has for the key. */
    public static boolean isInherited(Key key) {
        boolean ownOnly = key.field1() == 0x62 || key.field1() == 0x63 || key.equals(ControlKeys.LEGACY_AUX_FILES);
        return !ownOnly;
    }
}
