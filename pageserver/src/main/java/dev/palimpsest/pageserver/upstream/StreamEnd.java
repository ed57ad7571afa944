package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.ServerError;

/** Why a WAL stream is over. */
public sealed interface StreamEnd {
    /**
     * The timeline ended, as when a standby was promoted. The connection can go on: start again with this timeline at this
     * position. WAL at or after it that has been received on the old timeline is not part of history and must be thrown
     * away.
     *
     * @param timeline the PostgreSQL timeline that follows, unsigned
     * @param switchLsn where the old one ended and it begins
     */
    record NextTimeline(int timeline, Lsn switchLsn) implements StreamEnd {}

    /** The server shuts down, and all its WAL up to the end was received and reported. The connection is of no more use. */
    record ServerShutdown() implements StreamEnd {}

    /** {@link WalStream#stop} was called. The connection can go on. */
    record Stopped() implements StreamEnd {}

    /**
     * The server broke it off with an error, which {@link WalStream#receive} has thrown.
     *
     * @param error what it said
     */
    record Refused(ServerError error) implements StreamEnd {}
}
