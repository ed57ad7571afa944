package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.rmgr.RecordDescriber;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordDecoder;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.timeline.Timeline;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Single pages, for people who look for something. */
final class PageLookup {
    private static final int PAGE = 8192;
    private static final int MAX_HISTORY = 10_000;
    private static final int PG_DEFAULT = 1663;
    private static final int PG_GLOBAL = 1664;
    private static final Pattern RELATION = Pattern.compile(
            "(?:(\\d+)/(\\d+)|base/(\\d+)|(global)|pg_tblspc/(\\d+)/PG_[^/]+/(\\d+))/(\\d+)(?:_(fsm|vm|init))?");

    private PageLookup() {}

    static RelTag parse(String relation) throws BranchException {
        Matcher parts = RELATION.matcher(relation);
        if (!parts.matches()) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    "'" + relation + "' names no relation: give TABLESPACE/DATABASE/FILE, or what"
                            + " SELECT pg_relation_filepath('…') says, such as base/16384/16385");
        }
        try {
            int spcNode = PG_DEFAULT;
            int dbNode = 0;
            if (parts.group(1) != null) {
                spcNode = Integer.parseUnsignedInt(parts.group(1));
                dbNode = Integer.parseUnsignedInt(parts.group(2));
            } else if (parts.group(3) != null) {
                dbNode = Integer.parseUnsignedInt(parts.group(3));
            } else if (parts.group(4) != null) {
                spcNode = PG_GLOBAL;
            } else {
                spcNode = Integer.parseUnsignedInt(parts.group(5));
                dbNode = Integer.parseUnsignedInt(parts.group(6));
            }
            int fork = switch (parts.group(8)) {
                case "fsm" -> RelTag.FREE_SPACE_MAP;
                case "vm" -> RelTag.VISIBILITY_MAP;
                case "init" -> RelTag.INIT;
                case null, default -> RelTag.MAIN;
            };
            return new RelTag(spcNode, dbNode, Integer.parseUnsignedInt(parts.group(7)), fork);
        } catch (NumberFormatException e) {
            throw new BranchException(BranchException.Kind.INVALID, "'" + relation + "' names no relation", e);
        }
    }

    static byte[] page(ClusterReader reader, String relation, long block) throws BranchException {
        RelTag fork = parse(relation);
        try {
            OptionalInt length = reader.relationLength(fork);
            if (length.isEmpty()) {
                throw new BranchException(
                        BranchException.Kind.NOT_FOUND, "relation " + fork + " does not exist at " + reader.lsn());
            }
            long blocks = Integer.toUnsignedLong(length.getAsInt());
            if (block < 0 || block >= blocks) {
                throw new BranchException(
                        BranchException.Kind.NOT_FOUND,
                        "relation " + fork + " has " + blocks + " blocks at " + reader.lsn() + ", and no block "
                                + block);
            }
            byte[] page = new byte[PAGE];
            reader.blocks(fork, (int) block, 1, page, 0);
            return page;
        } catch (StorageException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "block " + block + " of " + fork + " at " + reader.lsn() + " cannot be read: " + e.getMessage(),
                    e);
        }
    }

    static List<PageVersion> history(Timeline timeline, Lsn upTo, String relation, long block, RequestContext context)
            throws BranchException {
        RelTag fork = parse(relation);
        if (block < 0 || block >= 0xFFFF_FFFFL) {
            throw new BranchException(BranchException.Kind.INVALID, "there is no block " + block);
        }
        Key key = fork.blockKey((int) block);
        PostgresVersion version = PostgresVersion.ofMajor(timeline.pgVersion());
        List<PageVersion> history = new ArrayList<>();
        try {
            Lsn at = upTo;
            while (history.size() < MAX_HISTORY) {
                List<ReconstructState.Version> versions = timeline.versions(key, at, context);
                if (versions.isEmpty()) {
                    break;
                }
                for (ReconstructState.Version each : versions) {
                    history.add(describe(version, each));
                }
                Lsn oldest = versions.getLast().lsn();
                if (oldest.compareTo(timeline.gcCutoffLsn()) <= 0) {
                    break;
                }
                at = oldest.minus(1);
            }
        } catch (StorageException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "the history of block " + block + " of " + fork + " cannot be read: " + e.getMessage(),
                    e);
        }
        if (history.isEmpty()) {
            throw new BranchException(
                    BranchException.Kind.NOT_FOUND,
                    "nothing is known of block " + block + " of relation " + fork + " up to " + upTo);
        }
        return history;
    }

    private static PageVersion describe(PostgresVersion version, ReconstructState.Version each) {
        return switch (each.value()) {
            case Value.Image(byte[] bytes) -> new PageVersion(each.lsn(), "image", bytes.length, true);
            case WalRecord.Postgres(boolean willInit, byte[] raw) -> {
                String text;
                try {
                    var record = new dev.palimpsest.postgres.wal.WalRecord();
                    new RecordDecoder()
                            .decode(version, raw, 0, raw.length, 0, each.lsn().value(), record);
                    text = RecordTypes.nameOf(record) + ": xid " + Integer.toUnsignedString(record.xid()) + ", "
                            + RecordDescriber.describe(record);
                } catch (MalformedRecordException e) {
                    text = "a record that cannot be decoded: " + e.getMessage();
                }
                yield new PageVersion(each.lsn(), text, raw.length, willInit);
            }
            case WalRecord other -> new PageVersion(each.lsn(), other.toString(), 0, other.willInit());
        };
    }
}
