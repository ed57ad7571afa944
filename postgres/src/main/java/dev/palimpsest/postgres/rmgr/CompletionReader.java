package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a {@link Completion}, which has the layout. */
final class CompletionReader {
    /** {@code GIDSIZE}: a name's bytes with the NUL. */
    static final int MAX_GID = 200;

    private static final int[] NO_XIDS = {};

    private final WalRecord record;
    private final Completion.Kind kind;
    private final Payload data;
    private final PayloadReader reader;

    CompletionReader(WalRecord record, Completion.Kind kind) {
        this.record = record;
        this.kind = kind;
        this.data = record.mainData();
        this.reader = data.readerAt(0);
    }

    Completion read() throws MalformedRecordException {
        PostgresVersion version = record.version();
        TimestampTz time = new TimestampTz(reader.i64());
        int flags = (record.info() & TransactionRecord.HAS_INFO) != 0 ? reader.i32() : 0;
        boolean hasDatabase = (flags & Completion.HAS_DATABASE) != 0;
        int database = hasDatabase ? reader.i32() : 0;
        int tablespace = hasDatabase ? reader.i32() : 0;
        int[] subXids =
                (flags & Completion.HAS_SUBTRANSACTIONS) != 0 ? PayloadText.xids(reader, reader.count(4)) : NO_XIDS;
        List<RelFileNode> dropped =
                (flags & Completion.HAS_RELATIONS) != 0 ? relations(reader, reader.count(RelFileNode.SIZE)) : List.of();
        List<DroppedStatistics> statistics =
                (flags & Completion.HAS_STATISTICS) != 0 && version.isAtLeast(PostgresVersion.V15)
                        ? DroppedStatistics.read(version, reader, reader.count(DroppedStatistics.size(version)))
                        : List.of();
        List<InvalidationMessage> invalidations = (flags & Completion.HAS_INVALIDATIONS) != 0 && kind.isCommit()
                ? InvalidationMessage.readAll(data, reader)
                : List.of();
        int xid = preparedXid(flags);
        String gid = gid(flags);
        boolean hasOrigin = (flags & Completion.HAS_ORIGIN) != 0;
        Lsn originLsn = hasOrigin ? new Lsn(reader.i64()) : Lsn.INVALID;
        TimestampTz originTime = hasOrigin ? new TimestampTz(reader.i64()) : null;
        return new Completion(
                kind,
                xid,
                time,
                flags,
                database,
                tablespace,
                subXids,
                dropped,
                statistics,
                invalidations,
                gid,
                record.origin(),
                originLsn,
                originTime);
    }

    private int preparedXid(int flags) throws MalformedRecordException {
        if ((flags & Completion.HAS_PREPARED) != 0) {
            return reader.i32();
        }
        if (kind.isPrepared()) {
            throw data.malformed("it does not say which prepared transaction ended");
        }
        return record.xid();
    }

    private @Nullable String gid(int flags) throws MalformedRecordException {
        if ((flags & Completion.HAS_PREPARED) == 0 || (flags & Completion.HAS_GID) == 0) {
            return null;
        }
        int from = reader.position();
        while (reader.u8() != 0) {
            if (reader.position() - from >= MAX_GID) {
                throw data.malformed("a name of a prepared transaction longer than " + (MAX_GID - 1) + " bytes");
            }
        }
        return PayloadText.utf8(data, from, reader.position() - 1 - from);
    }

    /** {@code count} relations, which the payload must hold. */
    static List<RelFileNode> relations(PayloadReader reader, int count) throws MalformedRecordException {
        List<RelFileNode> relations = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            relations.add(reader.relation());
        }
        return List.copyOf(relations);
    }
}
