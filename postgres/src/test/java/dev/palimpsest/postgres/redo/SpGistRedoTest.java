package dev.palimpsest.postgres.redo;

import static dev.palimpsest.postgres.Bytes.concat;
import static dev.palimpsest.postgres.Bytes.u16s;
import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.redo.MutatedRecords.Area;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.rmgr.SpGistRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SpGistRedoTest {
    private static final int FLAGS = 8184;
    private static final int LEAF = 4;
    private static final int NULLS = 8;

    private final IndexRedo index = new IndexRedo();
    private final PageRedo redo = index.redo();
    private final Page page = index.page();

    @AfterEach
    void close() {
        index.close();
    }

    /** The record refers to blocks 10 to {@code 9 + blocks}. */
    private static IndexChange change(int opcode, int blocks, int blockId, boolean init, byte[] main) {
        return new IndexChange(Rmgr.SPGIST, 10, blocks, opcode, blockId, init, main, new byte[0]);
    }

    @Test
    void aLeafIsAdded() throws Exception {
        page(LEAF, leaf(1, 0), dead(3), leaf(3, 0));
        page.putU16(page.normalItem(3, 16) + 4, 0x8000);
        index.apply(addLeaf(0, 0, 4, 3, leaf(9, 0)));
        assertThat(items()).containsExactly("leaf 1>0", "placeholder", "leaf 3>4", "leaf 9>0");
        assertThat(page.u16(page.normalItem(3, 16) + 4)).as("has nulls").isEqualTo(0x8004);
        assertCounters(0, 1);
        index.apply(addLeaf(0, 0, 2, 0, leaf(8, 0)));
        assertThat(items()).containsExactly("leaf 1>0", "leaf 8>0", "leaf 3>4", "leaf 9>0");
        assertCounters(0, 0);
        index.apply(addLeaf(0, 0, 1, 1, leaf(7, 0)));
        assertThat(items()).startsWith("leaf 7>0", "leaf 8>0");
        index.apply(change(SpGistRecord.ADD_LEAF, 2, 0, true, concat(u16s(0x0101, 1, 0, 2, 1), leaf(5, 0))));
        assertThat(items()).containsExactly("leaf 5>0");
        assertThat(page.u16(FLAGS)).isEqualTo(LEAF | NULLS);
        assertThat(page.u16(8190)).isEqualTo(0xFF82);
        page(0, inner(1, 3));
        index.apply(addLeaf(1, 2, 4, 3, leaf(9, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 10/4 0/0 ");
        index.assertRefused(addLeaf(1, 0, 4, 3, leaf(9, 0)), "does not change block reference 1");
        index.assertRefused(addLeaf(0, 0, 1, 0, leaf(9, 0)), "no leaf");
        page(LEAF, leaf(1, 0));
        index.assertRefused(addLeaf(0, 0, 1, 0, leaf(9, 0)), "a live tuple, where a placeholder is needed");
        index.assertRefused(addLeaf(0, 0, 3, 0, leaf(9, 0)), "added as number 3");
        index.assertRefused(addLeaf(0, 0, 2, 0, new byte[16]), "a tuple of 0 bytes");
        index.assertRefused(addLeaf(0, 0, 2, 0, new byte[0]), "4 bytes at offset 10");
        index.assertRefused(addLeaf(0, 0, 2, 0, concat(leaf(9, 0), new byte[1])), "1 bytes are left over");
    }

    private static IndexChange addLeaf(int blockId, int parent, int item, int head, byte[] tuple) {
        byte[] main = concat(u16s(0, item, head, parent == 0 ? 0 : 1, 1), tuple);
        return change(SpGistRecord.ADD_LEAF, 2, blockId, false, main);
    }

    @Test
    void aChainMoves() throws Exception {
        for (int building = 0; building <= 1; building++) {
            byte[] main = concat(
                    u16s(2, 0, 0, 1, 2, 0, 77, 0, building, 0, /* delete */ 3, 1, /* add */ 1, 2, 3),
                    leaf(5, 2),
                    leaf(6, 3),
                    leaf(7, 0));
            page(LEAF, leaf(1, 0), leaf(2, 0), leaf(3, 1));
            index.apply(change(SpGistRecord.MOVE_LEAFS, 3, 0, false, main));
            assertThat(items())
                    .containsExactly("placeholder", "leaf 2>0", building == 1 ? "placeholder" : "redirect 11/3 by 77");
            assertCounters(1 - building, 1 + building);
            page(LEAF, dead(3));
            index.apply(change(SpGistRecord.MOVE_LEAFS, 3, 1, false, main));
            assertThat(items()).containsExactly("leaf 5>2", "leaf 6>3", "leaf 7>0");
            assertCounters(0, 0);
            page(0, inner(1, 3));
            index.apply(change(SpGistRecord.MOVE_LEAFS, 3, 2, false, main));
            assertThat(items()).containsExactly("inner 1: 0/0 0/0 11/3 ");
        }
        byte[] replaced = concat(u16s(1, 0x0101, 1, 1, 0, 0, 77, 0, 0, 0, /* delete */ 1, /* add */ 1), leaf(5, 0));
        index.apply(change(SpGistRecord.MOVE_LEAFS, 3, 1, true, replaced));
        assertThat(items()).containsExactly("leaf 5>0");
        assertThat(page.u16(FLAGS)).isEqualTo(LEAF | NULLS);
        page(LEAF, leaf(1, 0));
        index.assertRefused(change(SpGistRecord.MOVE_LEAFS, 3, 1, false, replaced), "not marked as made anew");
        byte[] twice = concat(u16s(2, 0x0100, 0, 1, 2, 0, 77, 0, 0, 0, 1, 1, 1), leaf(5, 0));
        index.assertRefused(change(SpGistRecord.MOVE_LEAFS, 3, 0, false, twice), "deleted twice");
        index.assertRefused(change(SpGistRecord.MOVE_LEAFS, 1, 0, false, twice), "needs block reference 1");
    }

    @Test
    void anInnerTupleGetsANode() throws Exception {
        page(0, inner(1, 2), inner(2, 2));
        index.apply(change(SpGistRecord.ADD_NODE, 1, 0, false, addNode(1, 0, 0, 0xFF, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 0/0 ", "inner 2: 0/0 0/0 ");
        for (int building = 0; building <= 1; building++) {
            page(0, inner(1, 2), inner(2, 2));
            index.apply(change(SpGistRecord.ADD_NODE, 2, 0, false, addNode(1, 2, 0, 0, building)));
            assertThat(items())
                    .containsExactly(building == 1 ? "placeholder" : "redirect 11/2 by 77", "inner 2: 0/0 11/2 ");
            assertCounters(1 - building, building);
        }
        page(0, inner(1, 2), inner(2, 2));
        index.apply(change(SpGistRecord.ADD_NODE, 3, 0, false, addNode(1, 2, 0, 2, 0)));
        assertThat(items()).containsExactly("redirect 11/2 by 77", "inner 2: 0/0 0/0 ");
        page(0, inner(1, 2), inner(2, 2));
        index.apply(change(SpGistRecord.ADD_NODE, 3, 1, false, addNode(1, 3, 0, 1, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 0/0 ", "inner 2: 0/0 11/3 ", "inner 9: 0/0 0/0 0/0 ");
        page(0, inner(1, 2), inner(2, 2));
        index.apply(change(SpGistRecord.ADD_NODE, 3, 2, false, addNode(1, 3, 0, 2, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 0/0 ", "inner 2: 0/0 11/3 ");
        index.assertRefused(change(SpGistRecord.ADD_NODE, 3, 2, false, addNode(1, 3, 0, 1, 0)), "block reference 2");
        index.apply(change(SpGistRecord.ADD_NODE, 3, 1, true, addNode(1, 1, 1, 2, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 0/0 ");
        assertThat(page.u16(FLAGS)).isZero();
    }

    private static byte[] addNode(int item, int newItem, int newPage, int parentBlock, int building) {
        return concat(u16s(item, newItem, newPage | parentBlock << 8, 2, 1, 0, 77, 0, building, 0), inner(9, 3));
    }

    @Test
    void anInnerTupleIsSplit() throws Exception {
        byte[] tuples = concat(inner(8, 1), inner(9, 3));
        page(0, inner(1, 2), dead(3));
        index.apply(change(SpGistRecord.SPLIT_TUPLE, 1, 0, false, concat(u16s(1, 2, 0x0100), tuples)));
        assertThat(items()).containsExactly("inner 8: 0/0 ", "inner 9: 0/0 0/0 0/0 ");
        page(0, inner(1, 2), dead(3));
        IndexChange prefix = change(SpGistRecord.SPLIT_TUPLE, 2, 0, false, concat(u16s(1, 2, 0), tuples));
        index.apply(prefix);
        assertThat(items()).containsExactly("inner 8: 0/0 ", "placeholder");
        index.apply(change(SpGistRecord.SPLIT_TUPLE, 2, 1, false, prefix.main()));
        assertThat(items()).containsExactly("inner 8: 0/0 ", "inner 9: 0/0 0/0 0/0 ");
        index.apply(change(SpGistRecord.SPLIT_TUPLE, 2, 1, true, concat(u16s(1, 1, 1), tuples)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 0/0 ");
        index.assertRefused(
                change(SpGistRecord.SPLIT_TUPLE, 2, 1, false, concat(u16s(1, 2, 0x0100), tuples)),
                "does not change block reference 1");
    }

    @Test
    void leafsGoBelowANewInnerTuple() throws Exception {
        page(LEAF, leaf(1, 2), leaf(2, 0), leaf(3, 0));
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("leaf 6>0", "redirect 12/1 by 77", "leaf 3>0");
        assertCounters(1, 0);
        page(LEAF, leaf(1, 2), leaf(2, 0), leaf(3, 0));
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 1)));
        assertThat(items()).containsExactly("leaf 6>0", "placeholder", "leaf 3>0");
        page(LEAF);
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 1, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("leaf 5>2", "leaf 7>0");
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 0, true, pickSplit(0, 1, 0, 0)));
        assertThat(items()).containsExactly("leaf 6>0");
        page(0);
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 2, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 ");
        page(0, dead(3), inner(2, 3));
        index.apply(change(SpGistRecord.PICKSPLIT, 3, 2, false, pickSplit(0, 0, 1, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 ", "inner 2: 0/0 12/1 0/0 ");
        page(0, inner(1, 1), inner(2, 3));
        index.apply(change(SpGistRecord.PICKSPLIT, 4, 3, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 ", "inner 2: 0/0 12/1 0/0 ");
        index.assertRefused(change(SpGistRecord.PICKSPLIT, 4, 3, false, pickSplit(0, 0, 1, 0)), "block reference 3");
        index.assertRefused(change(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(1, 0, 0, 0)), "block reference 0");
    }

    private static byte[] pickSplit(int root, int newSource, int innerIsParent, int building) {
        return concat(
                u16s(root, 2, 3, newSource, 1, 0, innerIsParent, 2, 1, 0, 77, 0, building, 0),
                u16s(2, 1, /* add */ 1, 1, 2),
                new byte[] {1, 0, 1},
                inner(9, 2),
                leaf(5, 2),
                leaf(6, 0),
                leaf(7, 0));
    }

    @Test
    void vacuumMendsChains() throws Exception {
        page(LEAF, leaf(1, 0), leaf(2, 3), leaf(3, 4), leaf(4, 0), leaf(5, 6), leaf(6, 0));
        byte[] main = u16s(1, 1, 1, 1, 77, 0, 0, 0, /* dead */ 1, /* placeholder */ 3, /* moves */ 6, 5, 2, 4);
        byte[] placed = main.clone();
        index.apply(change(SpGistRecord.VACUUM_LEAF, 1, 0, false, placed));
        assertThat(items()).containsExactly("dead", "leaf 2>4", "placeholder", "leaf 4>0", "leaf 6>0", "placeholder");
        assertCounters(0, 2);
        index.assertRefused(change(SpGistRecord.VACUUM_LEAF, 1, 0, false, Arrays.copyOf(main, 30)), "VACUUM_LEAF");
        index.assertRefused(change(SpGistRecord.VACUUM_LEAF, 2, 1, false, main), "block reference 1");
        page(LEAF, leaf(1, 0), leaf(2, 0), leaf(3, 0), leaf(4, 0));
        index.apply(change(SpGistRecord.VACUUM_ROOT, 1, 0, false, u16s(3, 0, 77, 0, 0, 0, 1, 2, 4)));
        assertThat(items()).containsExactly("leaf 3>0");
    }

    @Test
    void redirectionsAndPlaceholdersGo() throws Exception {
        for (PostgresVersion version : PostgresVersion.values()) {
            byte[] head = version.isAtLeast(PostgresVersion.V16) ? u16s(2, 3, 77, 0, 1) : u16s(2, 3, 77, 0);
            page(0, dead(1), inner(1, 1), dead(3), dead(1));
            page.putTid(page.normalItem(1, 16) + 6, 5, 6);
            IndexChange sample = change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, concat(head, u16s(1, 4)));
            redo.redo(page, sample.record(version), 0);
            assertThat(items()).containsExactly("placeholder", "inner 1: 0/0 ");
            assertCounters(0, 1);
            int at = page.normalItem(1, 16);
            assertThat(page.tidBlock(at + 6)).isEqualTo(-1);
            assertThat(page.tidOffset(at + 6)).isZero();
            assertThat(page.i32(at + 12)).as("xid").isEqualTo(99);
        }
        page(LEAF, dead(1), leaf(1, 0));
        index.assertRefused(change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(0, 2, 7, 0, 0)), "a placeholder is");
        index.assertRefused(change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(0, 3, 7, 0, 0)), "the last is 2");
        index.assertRefused(
                change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 0, 7, 0, 0, 2)), "a redirection is");
        page.putU16(FLAGS + 2, 0);
        index.assertRefused(
                change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 0, 7, 0, 0, 1)), "0 redirections");
    }

    @Test
    void whatIsNoPageOfAnIndexIsRefused() throws Exception {
        IndexChange sample = addLeaf(0, 0, 1, 0, leaf(9, 0));
        page(LEAF | 1);
        index.assertRefused(sample, "meta page");
        page(LEAF);
        page.putU16(8190, 0xFF81);
        index.assertRefused(sample, "page id is 0xff81");
        page.initialize(16);
        index.assertRefused(sample, "no special area of 8 bytes");
        page(LEAF);
        index.assertRefused(change(0xF0, 1, 0, false, new byte[30]), "block reference 0");
        page(0, inner(1, 2));
        index.assertRefused(
                change(SpGistRecord.ADD_LEAF, 2, 1, false, concat(u16s(0, 1, 0, 1, 2), leaf(1, 0))),
                "has 2 nodes, none is number 2");
    }

    @Test
    void theMaskHidesHintsOnly() throws Exception {
        page(LEAF, leaf(1, 0));
        Page other = new Page();
        other.copyFrom(page);
        page.setLsn(9);
        page.setChecksum(9);
        page.setPruneXid(9);
        page.putU8(page.lower(), 9);
        new SpGistRedo().mask(page, 1);
        new SpGistRedo().mask(other, 1);
        assertThat(page.bytes()).isEqualTo(other.bytes());
        for (int at : new int[] {FLAGS, FLAGS + 2, FLAGS + 4, FLAGS - 1, 24}) {
            page.putU8(at, page.u8(at) ^ 1);
            new SpGistRedo().mask(page, 1);
            assertThat(page.bytes()).as("offset %d", at).isNotEqualTo(other.bytes());
            page.putU8(at, page.u8(at) ^ 1);
        }
    }

    private static List<IndexChange> samples() {
        byte[] move = concat(u16s(3, 0x0100, 0, 1, 2, 0, 77, 0, 0, 0, /* delete */ 3, 1, 2, /* add */ 4), leaf(5, 0));
        byte[] vacuum = u16s(1, 1, 1, 1, 77, 0, 0, 0, /* dead */ 1, /* placeholder */ 4, /* moves */ 3, 2, 2, 4);
        return List.of(
                addLeaf(0, 0, 4, 3, leaf(9, 0)),
                addLeaf(0, 0, 1, 1, leaf(9, 0)),
                change(SpGistRecord.MOVE_LEAFS, 3, 0, false, move),
                change(SpGistRecord.MOVE_LEAFS, 3, 1, false, move),
                change(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 0)),
                change(SpGistRecord.PICKSPLIT, 4, 0, true, pickSplit(0, 1, 0, 0)),
                change(SpGistRecord.VACUUM_LEAF, 1, 0, false, vacuum),
                change(SpGistRecord.VACUUM_ROOT, 1, 0, false, u16s(3, 0, 77, 0, 0, 0, 1, 2, 4)),
                change(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 4, 77, 0, 5, 5)),
                change(SpGistRecord.ADD_NODE, 1, 0, false, addNode(1, 0, 0, 0xFF, 0)),
                change(SpGistRecord.ADD_NODE, 2, 0, false, addNode(1, 3, 0, 0, 0)),
                change(SpGistRecord.SPLIT_TUPLE, 1, 0, false, concat(u16s(1, 4, 0x0100), inner(8, 1), inner(9, 3))));
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        MutatedRecords.check(
                16,
                5000,
                index,
                samples(),
                change -> {
                    if (change.opcode() == SpGistRecord.ADD_NODE || change.opcode() == SpGistRecord.SPLIT_TUPLE) {
                        page(0, inner(1, 2), inner(2, 2), inner(3, 1), dead(3), dead(1));
                    } else {
                        page(LEAF, leaf(1, 0), leaf(2, 3), leaf(3, 0), dead(3), dead(1));
                    }
                },
                new Area(8, 40),
                new Area(FLAGS - 140, 140),
                new Area(FLAGS, 8));
    }

    private void assertCounters(int redirections, int placeholders) throws PageException {
        assertThat(page.u16(FLAGS + 2)).as("redirections").isEqualTo(redirections);
        assertThat(page.u16(FLAGS + 4)).as("placeholders").isEqualTo(placeholders);
    }

    private void page(int flags, byte[]... tuples) throws PageException {
        page.initialize(8);
        page.putU16(FLAGS, flags);
        page.putU16(8190, 0xFF82);
        for (byte[] tuple : tuples) {
            int state = tuple[0] & 3;
            int counter = state == 1 ? FLAGS + 2 : FLAGS + 4;
            if (state == 1 || state == 3) {
                page.putU16(counter, page.u16(counter) + 1);
            }
            index.add(tuple);
        }
    }

    private List<String> items() throws PageException {
        boolean leaf = (page.u16(FLAGS) & LEAF) != 0;
        List<String> items = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int at = page.normalItem(number, 16);
            items.add(
                    switch (page.i32(at) & 3) {
                        case 1 ->
                            "redirect " + page.tidBlock(at + 6) + "/" + page.tidOffset(at + 6) + " by "
                                    + page.i32(at + 12);
                        case 2 -> "dead";
                        case 3 -> "placeholder";
                        default ->
                            leaf
                                    ? "leaf " + page.i64(at + 16) + ">" + (page.u16(at + 4) & 0x3FFF)
                                    : "inner " + page.i64(at + 8) + ": " + nodes(at);
                    });
        }
        return items;
    }

    private String nodes(int at) throws PageException {
        StringBuilder nodes = new StringBuilder();
        for (int i = 0; i < (page.i32(at) >>> 3 & 0x1FFF); i++) {
            int node = at + 16 + 16 * i;
            nodes.append(page.tidBlock(node))
                    .append('/')
                    .append(page.tidOffset(node))
                    .append(' ');
        }
        return nodes.toString();
    }

    private static byte[] leaf(long value, int next) {
        byte[] tuple = new byte[24];
        LittleEndian.putI32(tuple, 0, 24 << 2);
        LittleEndian.putU16(tuple, 4, next);
        LittleEndian.putI64(tuple, 16, value);
        return tuple;
    }

    /** A tuple that is not live, with 99 as its xid. */
    private static byte[] dead(int state) {
        byte[] tuple = new byte[16];
        LittleEndian.putI32(tuple, 0, state | 16 << 2);
        LittleEndian.putI32(tuple, 12, 99);
        return tuple;
    }

    /** An inner tuple with a prefix of 8 bytes and nodes of 16. */
    private static byte[] inner(long prefix, int nodes) {
        byte[] tuple = new byte[16 + 16 * nodes];
        LittleEndian.putI32(tuple, 0, nodes << 3 | 8 << 16);
        LittleEndian.putU16(tuple, 4, tuple.length);
        LittleEndian.putI64(tuple, 8, prefix);
        for (int i = 0; i < nodes; i++) {
            LittleEndian.putU16(tuple, 16 + 16 * i + 6, 16);
        }
        return tuple;
    }
}
