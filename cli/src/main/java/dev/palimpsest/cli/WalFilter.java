package dev.palimpsest.cli;

import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Which records a command is asked for. One must satisfy all that is given. */
final class WalFilter {
    private static final int MANAGERS = 256;

    @Option(
            names = "--rmgr",
            paramLabel = "NAME",
            converter = RmgrConverter.class,
            description = "records of this resource manager (Heap, Btree, custom128 …); may be given more than once")
    private List<Integer> managers = List.of();

    @Option(
            names = "--relation",
            paramLabel = "SPC/DB/REL",
            converter = RelationConverter.class,
            description = "records with a block of this relation (tablespace, database, file)")
    private @Nullable RelFileNode relation;

    @Option(
            names = "--block",
            paramLabel = "N",
            converter = UnsignedConverter.class,
            description = "with --relation, records with this block of it, of any fork")
    private @Nullable Integer block;

    @Option(
            names = "--xid",
            paramLabel = "N",
            converter = UnsignedConverter.class,
            description = "records of this transaction")
    private @Nullable Integer xid;

    /** What is wrong with the options together, null if nothing. */
    @Nullable
    String problem() {
        return block != null && relation == null ? "--block needs --relation" : null;
    }

    boolean admits(WalRecord record) {
        return (managers.isEmpty() || managers.contains(record.resourceManagerId()))
                && (xid == null || record.xid() == xid)
                && (relation == null || hasBlockOf(relation, record));
    }

    private boolean hasBlockOf(RelFileNode wanted, WalRecord record) {
        for (int id = 0; id <= record.maxBlockId(); id++) {
            if (record.hasBlock(id)
                    && record.relNode(id) == wanted.relNode()
                    && record.dbNode(id) == wanted.dbNode()
                    && record.spcNode(id) == wanted.spcNode()
                    && (block == null || record.blockNumber(id) == block)) {
                return true;
            }
        }
        return false;
    }

    static final class RmgrConverter implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            for (int id = 0; id < MANAGERS; id++) {
                if (Rmgr.nameOf(id).equalsIgnoreCase(text)) {
                    return id;
                }
            }
            throw new TypeConversionException("no resource manager \"" + text + "\"; there are "
                    + List.of(Rmgr.values()) + " and custom128 to 255");
        }
    }

    static final class RelationConverter implements ITypeConverter<RelFileNode> {
        private static final Pattern FORM = Pattern.compile("(\\d+)/(\\d+)/(\\d+)");

        @Override
        public RelFileNode convert(String text) {
            Matcher parts = FORM.matcher(text);
            if (!parts.matches()) {
                throw new TypeConversionException("not a relation: \"" + text + "\" (expected the form 1663/5/16384)");
            }
            return new RelFileNode(
                    UnsignedConverter.parse(parts.group(1)),
                    UnsignedConverter.parse(parts.group(2)),
                    UnsignedConverter.parse(parts.group(3)));
        }
    }
}
