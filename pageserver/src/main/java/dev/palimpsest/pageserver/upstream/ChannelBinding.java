package dev.palimpsest.pageserver.upstream;

import org.jspecify.annotations.Nullable;

/** libpq's {@code channel_binding}: whether a SCRAM login is tied to the server's certificate. */
public enum ChannelBinding {
    /** Never. */
    DISABLE("disable"),
    /** If the connection is encrypted and the server offers it; the default. */
    PREFER("prefer"),
    /** Always; a server that does not offer it, or asks for another method of login, is refused. */
    REQUIRE("require");

    private final String text;

    ChannelBinding(String text) {
        this.text = text;
    }

    /** The one that libpq calls so, or null. */
    static @Nullable ChannelBinding of(String text) {
        for (ChannelBinding binding : values()) {
            if (binding.text.equals(text)) {
                return binding;
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
