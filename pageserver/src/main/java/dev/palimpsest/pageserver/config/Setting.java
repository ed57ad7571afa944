package dev.palimpsest.pageserver.config;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A setting: its key in the file, with dots where it is in a table, which values it can have, and what it means. All there are
 * are in {@link Settings}. Immutable.
 *
 * @param <T> its values
 */
public final class Setting<T> {
    /** When another value in the file counts. */
    enum Change {
        /** As soon as the configuration is read again. */
        RELOAD,
        /** When the server starts again. */
        RESTART
    }

    private final String key;
    private final Kind<T> kind;
    private final @Nullable T standard;
    private final Change change;
    private final String meaning;

    Setting(String key, Kind<T> kind, @Nullable T standard, Change change, String meaning) {
        this.key = key;
        this.kind = kind;
        this.standard = standard;
        this.change = change;
        this.meaning = meaning;
    }

    /** Its name in the file. */
    public String key() {
        return key;
    }

    /** Whether another value counts as soon as the configuration is read again. */
    public boolean isReloadable() {
        return change == Change.RELOAD;
    }

    /** What it means, in a sentence or some. */
    public String meaning() {
        return meaning;
    }

    /** What it is if nobody says anything; empty if that is nothing. */
    public Optional<T> standard() {
        return Optional.ofNullable(standard);
    }

    Kind<T> kind() {
        return kind;
    }

    /** Its value if nobody says anything, as in the file; empty if that is nothing. */
    String standardText() {
        return standard == null ? "" : kind.writer().apply(standard);
    }

    String print(Object value) {
        @SuppressWarnings("unchecked") // made by the kind's own reader
        T own = (T) value;
        return kind.writer().apply(own);
    }

    @Override
    public String toString() {
        return key;
    }
}
