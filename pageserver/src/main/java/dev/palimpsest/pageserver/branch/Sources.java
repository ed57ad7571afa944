package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.pageserver.upstream.ReplicationConnection;
import dev.palimpsest.pageserver.upstream.UpstreamException;
import dev.palimpsest.storage.TimelineId;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How to reach what branches follow.
 *
 * @param secrets the passwords
 * @param environment the process's, for what connection strings leave out
 */
record Sources(Secrets secrets, Map<String, String> environment) {
    private static final Logger LOG = LoggerFactory.getLogger(Sources.class);

    ConnectionSettings settings(String connection) throws BranchException {
        try {
            return ConnectionSettings.parse(connection, environment).withApplicationName("palimpsest");
        } catch (IllegalArgumentException e) {
            throw new BranchException(BranchException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    /** With the password, if one is kept. */
    ConnectionSettings settings(Branch branch, BranchRecord.Source source) throws BranchException {
        return settings(branch.timeline().id(), source);
    }

    private ConnectionSettings settings(TimelineId timeline, BranchRecord.Source source) throws BranchException {
        return settings(secrets.complete(timeline, source.connection()));
    }

    /** Drops the slot on the source; returns why it could not. */
    @Nullable
    String dropSlot(Branch branch) {
        return dropSlot(branch.timeline().id(), branch.record());
    }

    /** The same of a branch that does not follow the source any more. */
    @Nullable
    String dropSlot(TimelineId timeline, BranchRecord record) {
        BranchRecord.Source source = record.source();
        if (source == null) {
            return null;
        }
        try (ReplicationConnection open = ReplicationConnection.connect(settings(timeline, source))) {
            open.dropSlot(source.slot());
            return null;
        } catch (UpstreamException | BranchException e) {
            String why = slotStays(source.slot(), source.connection(), e);
            LOG.warn("{}", why);
            return why;
        }
    }

    /** Says that a slot could not be dropped, and what to do. */
    static String slotStays(String slot, String redacted, Exception why) {
        return "slot " + slot + " stays on " + redacted
                + " and keeps WAL there; drop it with SELECT pg_drop_replication_slot('" + slot + "'): "
                + why.getMessage();
    }
}
