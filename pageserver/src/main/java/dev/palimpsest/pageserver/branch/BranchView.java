package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.walreceiver.FollowState;
import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a branch stands.
 *
 * @param name its name
 * @param tenant the tenant it belongs to: the cluster it comes from
 * @param timeline its own ID
 * @param pgVersion PostgreSQL's major version
 * @param phase what it does
 * @param parent the branch it left, null if it was attached; also null if the parent has no name
 * @param branchedAt where it left its parent
 * @param created when it was made
 * @param readableFrom the first LSN that can be read
 * @param lastRecordLsn the last one
 * @param diskConsistentLsn up to here it is in local layer files, which alone a crash may take back
 * @param remoteConsistentLsn up to here it survives a crash, and the loss of the local disk if history is in a bucket
 * @param gcCutoffLsn below this GC may have removed layers; 0/0 if it never did
 * @param layers how many layer files it has of its own
 * @param layerBytes their size
 * @param residentBytes the size of those whose files are on the local disk; the others come from the object store when they are
 *     read
 * @param downloads what comes from there now
 * @param source where its WAL comes from, without a password; null if it has none
 * @param follow how following it stands; null if it follows nothing
 * @param lagBytes how far {@code lastRecordLsn} is behind the source; -1 if it follows nothing
 * @param lagSeconds how long ago the source was there, 0 if it is there now; -1 if that is not known
 * @param brokenJobs what the server does by itself for it and keeps failing
 * @param historyCompaction the compaction of its history that goes on, or was the last since the server was started; null if there was
 *     none
 */
public record BranchView(
        String name,
        String tenant,
        String timeline,
        int pgVersion,
        Phase phase,
        @Nullable String parent,
        @Nullable Lsn branchedAt,
        Instant created,
        Lsn readableFrom,
        Lsn lastRecordLsn,
        Lsn diskConsistentLsn,
        Lsn remoteConsistentLsn,
        Lsn gcCutoffLsn,
        int layers,
        long layerBytes,
        long residentBytes,
        Downloads downloads,
        @Nullable String source,
        @Nullable FollowState follow,
        long lagBytes,
        double lagSeconds,
        List<BrokenJob> brokenJobs,
        @Nullable HistoryRunView historyCompaction) {
    /**
     * Layers that are read and on their way from the object store.
     *
     * @param running how many come now
     * @param waiting how many wait for their turn
     * @param bytes how large all of these are
     * @param received how much of that has come
     */
    public record Downloads(int running, int waiting, long bytes, long received) {
        /** Nothing is. */
        public static final Downloads NONE = new Downloads(0, 0, 0, 0);
    }

    /** What a branch does. */
    public enum Phase {
        /** A base backup is taken in. */
        ATTACHING,
        /** It has the base backup, but not yet all WAL that makes it consistent. */
        CATCHING_UP,
        /** It can be read. */
        READY,
        /** Attaching failed; delete it. */
        FAILED,
        /** It is archived: nothing of it is here. */
        ARCHIVED
    }
}
