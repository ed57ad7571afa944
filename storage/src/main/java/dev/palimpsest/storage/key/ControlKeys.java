package dev.palimpsest.storage.key;

/** The keys of which there is one: field 1 is 03 and only field 6 differs. */
public final class ControlKeys {
    /** {@code pg_control}, the bytes of the file. */
    public static final Key CONTROL_FILE = Key.of(3, 0, 0, 0, 0, 0);

    /** PostgreSQL's {@code CheckPoint} struct, in the form of its version. */
    public static final Key CHECKPOINT = Key.of(3, 0, 0, 0, 0, 1);

    /** All auxiliary files in one value, as old versions of Neon wrote them. Never written, never inherited. */
    public static final Key LEGACY_AUX_FILES = Key.of(3, 0, 0, 0, 0, 2);

    private ControlKeys() {}
}
