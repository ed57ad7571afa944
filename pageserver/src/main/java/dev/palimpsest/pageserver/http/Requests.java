package dev.palimpsest.pageserver.http;

import org.jspecify.annotations.Nullable;

/** Bodies of requests below {@code /palimpsest/v1}. What is not nullable in its meaning is checked by who serves it. */
public final class Requests {
    private Requests() {}

    /**
     * To attach a PostgreSQL.
     *
     * @param name of the branch; required
     * @param connection as libpq takes it; required
     * @param slot the physical slot to make; {@code palimpsest_NAME} if null
     */
    public record Attach(
            @Nullable String name,
            @Nullable String connection,
            @Nullable String slot) {}

    /**
     * To make a branch.
     *
     * @param name required
     * @param from the branch it leaves; required
     * @param at an LSN, a time, or {@code latest}, which null means too
     */
    public record CreateBranch(
            @Nullable String name,
            @Nullable String from,
            @Nullable String at) {}

    /**
     * To start an endpoint.
     *
     * @param port on the loopback address; a free one if null
     * @param pgBin the directory with {@code postgres}, on the server's machine; looked for if null
     */
    public record StartEndpoint(
            @Nullable Integer port, @Nullable String pgBin) {}

    /**
     * To compare a branch with a data directory.
     *
     * @param directory on the server's machine; required
     * @param server {@code primary}, which null means too, or {@code standby}
     */
    public record Verify(
            @Nullable String directory, @Nullable String server) {}
}
