package dev.palimpsest.pageserver.security;

/** Whether an interface encrypts. */
public enum TlsMode {
    /** Never. */
    OFF,
    /** If the client wants it. */
    ON,
    /** Always: who does not encrypt is sent away. */
    REQUIRED
}
