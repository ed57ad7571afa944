package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.EndpointView;
import dev.palimpsest.pageserver.branch.PageVersion;
import dev.palimpsest.pageserver.tenant.TenantView;
import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Bodies of answers below {@code /palimpsest/v1}, besides the views of package {@code branch}, which are sent as they are. */
public final class Responses {
    private Responses() {}

    /** Why a request was not done; also below {@code /v1}. */
    public record Failure(String msg) {}

    /**
     * Whether the server serves.
     *
     * @param problems what keeps it from that, a sentence each
     * @param tenants which tenants it does not serve, and why, though it serves the others, a sentence each
     */
    public record Ready(boolean ready, List<String> problems, List<String> tenants) {}

    /** All tenants. */
    public record Tenants(List<TenantView> tenants) {}

    /**
     * The configuration was read again.
     *
     * @param applied what has changed, a line each
     * @param needRestart the settings that are others in the file, and are in force after a restart
     */
    public record Reloaded(List<String> applied, List<String> needRestart) {}

    /** All branches. */
    public record Branches(List<BranchView> branches) {}

    /** What is being attached, or failed to be. */
    public record Attachments(List<AttachProgress> attachments) {}

    /** All endpoints. */
    public record Endpoints(List<EndpointView> endpoints) {}

    /** A branch was deleted; what could not be cleared away is in {@code left}, a sentence each. */
    public record Deleted(List<String> left) {}

    /** Until when a lease lasts. */
    public record Leased(Instant validUntil) {}

    /**
     * A branch was made independent of the one it came from.
     *
     * @param moved the branches that come from it now, and did from that one
     */
    public record Detached(List<String> moved) {}

    /**
     * A moment of a branch.
     *
     * @param lsn where it is
     * @param lastCommit when the last commit up to there was, by the primary's clock; null if none is known
     */
    public record Position(Lsn lsn, @Nullable Instant lastCommit) {}

    /** What happened to a page up to an LSN, the newest first. */
    public record PageHistory(Lsn lsn, List<PageVersion> versions) {}
}
