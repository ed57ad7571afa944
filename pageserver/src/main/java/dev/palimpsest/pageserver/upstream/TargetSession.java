package dev.palimpsest.pageserver.upstream;

import org.jspecify.annotations.Nullable;

/** libpq's {@code target_session_attrs}: which of several servers will do. */
public enum TargetSession {
    /** The first that takes the connection; the default. */
    ANY("any"),
    /** One that takes writes: no standby, and not read-only by default. */
    READ_WRITE("read-write"),
    /** One that takes no writes. */
    READ_ONLY("read-only"),
    /** No standby. */
    PRIMARY("primary"),
    /** A standby. */
    STANDBY("standby"),
    /** A standby, or if none of the servers is one, any. */
    PREFER_STANDBY("prefer-standby");

    private final String text;

    TargetSession(String text) {
        this.text = text;
    }

    /** The one that libpq calls so, or null. */
    static @Nullable TargetSession of(String text) {
        for (TargetSession target : values()) {
            if (target.text.equals(text)) {
                return target;
            }
        }
        return null;
    }

    /** libpq's word for it. */
    @Override
    public String toString() {
        return text;
    }
}
