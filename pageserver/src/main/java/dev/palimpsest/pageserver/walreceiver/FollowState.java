package dev.palimpsest.pageserver.walreceiver;

import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link WalReceiver} stands.
 *
 * @param phase what it does
 * @param problem why it is not streaming, or was not before; null if all is well
 * @param received WAL has come up to here
 * @param sourceEnd the end of the source's WAL, as it last said
 * @param lastMessage when it last said something; null if it never did
 * @param lastCommit the time of the latest commit that was applied, by the source's clock; null if there was none yet
 */
public record FollowState(
        Phase phase,
        @Nullable String problem,
        Lsn received,
        Lsn sourceEnd,
        @Nullable Instant lastMessage,
        @Nullable Instant lastCommit) {
    /** What a receiver does. */
    public enum Phase {
        /** It makes a connection. */
        CONNECTING,
        /** It receives WAL. */
        STREAMING,
        /** Something failed; it tries again after a pause. */
        WAITING,
        /** The source has shut down, everything it had has come and was applied. */
        SOURCE_SHUT_DOWN,
        /** It was stopped. */
        STOPPED
    }
}
