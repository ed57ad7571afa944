package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.TimestampTz;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;

/**
 * A transaction was prepared for a commit in two phases: the main data of {@code PREPARE}, which is also the content of
 * its file in {@code pg_twophase} before the checksum. The header:
 *
 * <pre>
 * offset since 15, size; in 14
 *      0  4      magic 0x57F94534
 *      4  4      bytes of the file, the checksum's 4 included
 *      8  4      xid
 *     12  4      database
 *     16  8      when it was prepared
 *     24  4      owner
 *     28  4      count of subtransactions
 *     32  4      count of relations to drop at commit
 *     36  4      count of relations to drop at abort
 *     40  4  -   count of statistics to drop at commit
 *     44  4  -   count of statistics to drop at abort
 *     48  4  40  count of cache invalidations
 *     52  1  44  whether the relation cache's start file is void
 *     54  2  46  bytes of the name, with its NUL
 *     56  8  48  LSN at the replication origin
 *     64  8  56  time at the replication origin
 *     72     64
 * </pre>
 *
 * <p>Then, each beginning at a multiple of 8: the name; u32 each subtransaction; 12 bytes each relation to drop at commit,
 * and at abort; since 15 statistics to drop at commit, and at abort ({@link DroppedStatistics}); 16 bytes each
 * invalidation; and what other parts of the server want back, each with a header {u32 bytes, u8 who, 1 unused, u16 info}
 * and padded to 8, up to one of 0 bytes for 0.
 *
 * @param xid the transaction
 * @param database where it ran
 * @param preparedAt when
 * @param owner the OID of who prepared it
 * @param gid its name
 * @param subXids its subtransactions; not to be changed
 * @param commitDropped relations that commit drops
 * @param abortDropped relations that abort drops
 * @param commitStatistics statistics that commit drops
 * @param abortStatistics statistics that abort drops
 * @param invalidations what caches must forget when it commits
 * @param originLsn where it was prepared at the replication origin, invalid if not at one
 * @param originTime when it was prepared at the replication origin
 */
public record Prepare(
        int xid,
        int database,
        TimestampTz preparedAt,
        int owner,
        String gid,
        int[] subXids,
        List<RelFileNode> commitDropped,
        List<RelFileNode> abortDropped,
        List<DroppedStatistics> commitStatistics,
        List<DroppedStatistics> abortStatistics,
        List<InvalidationMessage> invalidations,
        Lsn originLsn,
        TimestampTz originTime)
        implements TransactionRecord {
    /** The first four bytes. */
    public static final int MAGIC = 0x57F94534;

    private static final int CHECKSUM_SIZE = 4;

    static Prepare decode(WalRecord record) throws MalformedRecordException {
        Payload data = record.mainData();
        if (data.i32(0) != MAGIC) {
            throw data.malformed("the magic number is " + Integer.toHexString(data.i32(0)) + ", not 57f94534");
        }
        if (data.i32(4) != data.length() + CHECKSUM_SIZE) {
            throw data.malformed(
                    "it is to have " + data.i32(4) + " bytes with its checksum, and has " + data.length() + " without");
        }
        PostgresVersion version = record.version();
        boolean hasStatistics = version.isAtLeast(PostgresVersion.V15);
        int tail = hasStatistics ? 48 : 40;
        PayloadReader reader = data.readerAt(tail + 24);
        int nameLength = data.u16(tail + 6);
        if (nameLength == 0 || nameLength > CompletionReader.MAX_GID) {
            throw data.malformed("its name is to have " + nameLength + " bytes");
        }
        int nameAt = reader.position();
        reader.take(nameLength);
        reader.align(8);
        int[] subXids = PayloadText.xids(reader, bounded(data, reader, 28, 4));
        reader.align(8);
        List<RelFileNode> atCommit = CompletionReader.relations(reader, bounded(data, reader, 32, RelFileNode.SIZE));
        reader.align(8);
        List<RelFileNode> atAbort = CompletionReader.relations(reader, bounded(data, reader, 36, RelFileNode.SIZE));
        reader.align(8);
        List<DroppedStatistics> commitStatistics = hasStatistics ? statistics(version, data, reader, 40) : List.of();
        List<DroppedStatistics> abortStatistics = hasStatistics ? statistics(version, data, reader, 44) : List.of();
        int messages = bounded(data, reader, tail, InvalidationMessage.SIZE);
        List<InvalidationMessage> invalidations = InvalidationMessage.read(data, reader, messages);
        return new Prepare(
                data.i32(8),
                data.i32(12),
                new TimestampTz(data.i64(16)),
                data.i32(24),
                PayloadText.terminated(data, nameAt, nameLength),
                subXids,
                atCommit,
                atAbort,
                commitStatistics,
                abortStatistics,
                invalidations,
                new Lsn(data.i64(tail + 8)),
                new TimestampTz(data.i64(tail + 16)));
    }

    private static List<DroppedStatistics> statistics(
            PostgresVersion version, Payload data, PayloadReader reader, int countAt) throws MalformedRecordException {
        int count = bounded(data, reader, countAt, DroppedStatistics.size(version));
        List<DroppedStatistics> statistics = DroppedStatistics.read(version, reader, count);
        reader.align(8);
        return statistics;
    }

    private static int bounded(Payload data, PayloadReader reader, int countAt, int size)
            throws MalformedRecordException {
        int count = data.i32(countAt);
        if (count < 0 || (long) count * size > reader.remaining()) {
            throw data.malformed("a count of " + count + " at offset " + countAt + ", where " + reader.remaining()
                    + " bytes are left and each takes " + size);
        }
        return count;
    }

    /** As {@code pg_waldump} prints it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("gid ").append(gid).append(": ").append(preparedAt);
        PayloadText.appendAll(text, "; rels(commit):", commitDropped);
        PayloadText.appendAll(text, "; rels(abort):", abortDropped);
        PayloadText.appendAll(text, "; commit stats:", commitStatistics);
        PayloadText.appendAll(text, "; abort stats:", abortStatistics);
        if (subXids.length > 0) {
            text.append("; subxacts:");
            PayloadText.appendXids(text, subXids);
        }
        PayloadText.appendAll(text, "; inval msgs:", invalidations);
        if (originLsn.isValid()) {
            text.append("; origin: lsn ").append(originLsn).append(", at ").append(originTime);
        }
        return text.append("; xid ").append(TransactionId.toString(xid)).toString();
    }
}
