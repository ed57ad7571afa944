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
     * To attach a tenant that the object store has.
     *
     * @param secondary whether only its layer files are kept warm here, so that it can be taken over; no if null
     */
    public record AttachTenant(@Nullable Boolean secondary) {}

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
     * To remove what of a branch's history is not kept.
     *
     * @param pitrInterval such as {@code 7d}, for this time; as the settings say if null
     * @param gcHorizon in bytes, for this time; as the settings say if null
     * @param dryRun whether only to say what would be removed
     */
    public record CollectGarbage(
            @Nullable String pitrInterval,
            @Nullable Long gcHorizon,
            @Nullable Boolean dryRun) {}

    /**
     * To compact a branch.
     *
     * @param images whether to make image layers too, where they are due
     * @param force whether to do it where thresholds are not reached
     */
    public record Compact(
            @Nullable Boolean images, @Nullable Boolean force) {}

    /**
     * To keep an LSN readable for a while.
     *
     * @param lsn required
     */
    public record LeaseLsn(@Nullable String lsn) {}

    /**
     * To have a branch keep other than the server's branches do; what is null stays as it is.
     *
     * @param pitrInterval such as {@code 7d}
     * @param gcHorizon in bytes
     */
    public record Retain(
            @Nullable String pitrInterval, @Nullable Long gcHorizon) {}

    /**
     * To compare a branch with a data directory.
     *
     * @param directory on the server's machine; required
     * @param server {@code primary}, which null means too, or {@code standby}
     */
    public record Verify(
            @Nullable String directory, @Nullable String server) {}
}
