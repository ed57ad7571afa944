package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.rmgr.SpGistRecord;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SpGistRedoTest {
    private static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);
    private static final long START = 0x1000100;
    private static final long END = 0x1000180;
    private static final int FLAGS = 8184;
    private static final int LEAF = 4;
    private static final int NULLS = 8;

    /** A change to one page; the record refers to blocks 10 to {@code 9 + blocks} of the index. */
    private record Sample(int opcode, int blocks, int blockId, boolean init, byte[] main) {
        WalRecord record(PostgresVersion version) throws MalformedRecordException {
            RecordBuilder builder = new RecordBuilder(version, 16, opcode).main(main);
            for (int id = 0; id < blocks; id++) {
                builder.block(id, INDEX, 10 + id);
                if (id == blockId && init) {
                    builder.willInit();
                }
            }
            return builder.decoded(START, END);
        }
    }

    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final PageEditor editor = new PageEditor();
    private final Page page = new Page();

    @AfterEach
    void close() {
        redo.close();
    }

    @Test
    void aLeafIsAdded() throws Exception {
        page(LEAF, leaf(1, 0), dead(3), leaf(3, 0));
        page.putU16(page.normalItem(3, 16) + 4, 0x8000);
        apply(addLeaf(0, 0, 4, 3, leaf(9, 0)));
        assertThat(items()).containsExactly("leaf 1>0", "placeholder", "leaf 3>4", "leaf 9>0");
        assertThat(page.u16(page.normalItem(3, 16) + 4)).as("has nulls").isEqualTo(0x8004);
        assertCounters(0, 1);
        apply(addLeaf(0, 0, 2, 0, leaf(8, 0)));
        assertThat(items()).containsExactly("leaf 1>0", "leaf 8>0", "leaf 3>4", "leaf 9>0");
        assertCounters(0, 0);
        apply(addLeaf(0, 0, 1, 1, leaf(7, 0)));
        assertThat(items()).startsWith("leaf 7>0", "leaf 8>0");
        apply(new Sample(SpGistRecord.ADD_LEAF, 2, 0, true, concat(u16s(0x0101, 1, 0, 2, 1), leaf(5, 0))));
        assertThat(items()).containsExactly("leaf 5>0");
        assertThat(page.u16(FLAGS)).isEqualTo(LEAF | NULLS);
        assertThat(page.u16(8190)).isEqualTo(0xFF82);
        page(0, inner(1, 3));
        apply(addLeaf(1, 2, 4, 3, leaf(9, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 10/4 0/0 ");
        assertFails(addLeaf(1, 0, 4, 3, leaf(9, 0)), "does not change block reference 1");
        assertFails(addLeaf(0, 0, 1, 0, leaf(9, 0)), "no leaf");
        page(LEAF, leaf(1, 0));
        assertFails(addLeaf(0, 0, 1, 0, leaf(9, 0)), "a live tuple, where a placeholder is needed");
        assertFails(addLeaf(0, 0, 3, 0, leaf(9, 0)), "added as number 3");
        assertFails(addLeaf(0, 0, 2, 0, new byte[16]), "a tuple of 0 bytes");
        assertFails(addLeaf(0, 0, 2, 0, new byte[0]), "4 bytes at offset 10");
        assertFails(addLeaf(0, 0, 2, 0, concat(leaf(9, 0), new byte[1])), "1 bytes are left over");
    }

    private static Sample addLeaf(int blockId, int parent, int item, int head, byte[] tuple) {
        byte[] main = concat(u16s(0, item, head, parent == 0 ? 0 : 1, 1), tuple);
        return new Sample(SpGistRecord.ADD_LEAF, 2, blockId, false, main);
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
            apply(new Sample(SpGistRecord.MOVE_LEAFS, 3, 0, false, main));
            assertThat(items())
                    .containsExactly("placeholder", "leaf 2>0", building == 1 ? "placeholder" : "redirect 11/3 by 77");
            assertCounters(1 - building, 1 + building);
            page(LEAF, dead(3));
            apply(new Sample(SpGistRecord.MOVE_LEAFS, 3, 1, false, main));
            assertThat(items()).containsExactly("leaf 5>2", "leaf 6>3", "leaf 7>0");
            assertCounters(0, 0);
            page(0, inner(1, 3));
            apply(new Sample(SpGistRecord.MOVE_LEAFS, 3, 2, false, main));
            assertThat(items()).containsExactly("inner 1: 0/0 0/0 11/3 ");
        }
        byte[] replaced = concat(u16s(1, 0x0101, 1, 1, 0, 0, 77, 0, 0, 0, /* delete */ 1, /* add */ 1), leaf(5, 0));
        apply(new Sample(SpGistRecord.MOVE_LEAFS, 3, 1, true, replaced));
        assertThat(items()).containsExactly("leaf 5>0");
        assertThat(page.u16(FLAGS)).isEqualTo(LEAF | NULLS);
        page(LEAF, leaf(1, 0));
        assertFails(new Sample(SpGistRecord.MOVE_LEAFS, 3, 1, false, replaced), "not marked as made anew");
        byte[] twice = concat(u16s(2, 0x0100, 0, 1, 2, 0, 77, 0, 0, 0, 1, 1, 1), leaf(5, 0));
        assertFails(new Sample(SpGistRecord.MOVE_LEAFS, 3, 0, false, twice), "deleted twice");
        assertFails(new Sample(SpGistRecord.MOVE_LEAFS, 1, 0, false, twice), "needs block reference 1");
    }

    @Test
    void anInnerTupleGetsANode() throws Exception {
        page(0, inner(1, 2), inner(2, 2));
        apply(new Sample(SpGistRecord.ADD_NODE, 1, 0, false, addNode(1, 0, 0, 0xFF, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 0/0 ", "inner 2: 0/0 0/0 ");
        for (int building = 0; building <= 1; building++) {
            page(0, inner(1, 2), inner(2, 2));
            apply(new Sample(SpGistRecord.ADD_NODE, 2, 0, false, addNode(1, 2, 0, 0, building)));
            assertThat(items())
                    .containsExactly(building == 1 ? "placeholder" : "redirect 11/2 by 77", "inner 2: 0/0 11/2 ");
            assertCounters(1 - building, building);
        }
        page(0, inner(1, 2), inner(2, 2));
        apply(new Sample(SpGistRecord.ADD_NODE, 3, 0, false, addNode(1, 2, 0, 2, 0)));
        assertThat(items()).containsExactly("redirect 11/2 by 77", "inner 2: 0/0 0/0 ");
        page(0, inner(1, 2), inner(2, 2));
        apply(new Sample(SpGistRecord.ADD_NODE, 3, 1, false, addNode(1, 3, 0, 1, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 0/0 ", "inner 2: 0/0 11/3 ", "inner 9: 0/0 0/0 0/0 ");
        page(0, inner(1, 2), inner(2, 2));
        apply(new Sample(SpGistRecord.ADD_NODE, 3, 2, false, addNode(1, 3, 0, 2, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 0/0 ", "inner 2: 0/0 11/3 ");
        assertFails(new Sample(SpGistRecord.ADD_NODE, 3, 2, false, addNode(1, 3, 0, 1, 0)), "block reference 2");
        apply(new Sample(SpGistRecord.ADD_NODE, 3, 1, true, addNode(1, 1, 1, 2, 0)));
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
        apply(new Sample(SpGistRecord.SPLIT_TUPLE, 1, 0, false, concat(u16s(1, 2, 0x0100), tuples)));
        assertThat(items()).containsExactly("inner 8: 0/0 ", "inner 9: 0/0 0/0 0/0 ");
        page(0, inner(1, 2), dead(3));
        Sample prefix = new Sample(SpGistRecord.SPLIT_TUPLE, 2, 0, false, concat(u16s(1, 2, 0), tuples));
        apply(prefix);
        assertThat(items()).containsExactly("inner 8: 0/0 ", "placeholder");
        apply(new Sample(SpGistRecord.SPLIT_TUPLE, 2, 1, false, prefix.main()));
        assertThat(items()).containsExactly("inner 8: 0/0 ", "inner 9: 0/0 0/0 0/0 ");
        apply(new Sample(SpGistRecord.SPLIT_TUPLE, 2, 1, true, concat(u16s(1, 1, 1), tuples)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 0/0 ");
        assertFails(
                new Sample(SpGistRecord.SPLIT_TUPLE, 2, 1, false, concat(u16s(1, 2, 0x0100), tuples)),
                "does not change block reference 1");
    }

    @Test
    void leafsGoBelowANewInnerTuple() throws Exception {
        page(LEAF, leaf(1, 2), leaf(2, 0), leaf(3, 0));
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("leaf 6>0", "redirect 12/1 by 77", "leaf 3>0");
        assertCounters(1, 0);
        page(LEAF, leaf(1, 2), leaf(2, 0), leaf(3, 0));
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 1)));
        assertThat(items()).containsExactly("leaf 6>0", "placeholder", "leaf 3>0");
        page(LEAF);
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 1, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("leaf 5>2", "leaf 7>0");
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 0, true, pickSplit(0, 1, 0, 0)));
        assertThat(items()).containsExactly("leaf 6>0");
        page(0);
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 2, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 ");
        page(0, dead(3), inner(2, 3));
        apply(new Sample(SpGistRecord.PICKSPLIT, 3, 2, false, pickSplit(0, 0, 1, 0)));
        assertThat(items()).containsExactly("inner 9: 0/0 0/0 ", "inner 2: 0/0 12/1 0/0 ");
        page(0, inner(1, 1), inner(2, 3));
        apply(new Sample(SpGistRecord.PICKSPLIT, 4, 3, false, pickSplit(0, 0, 0, 0)));
        assertThat(items()).containsExactly("inner 1: 0/0 ", "inner 2: 0/0 12/1 0/0 ");
        assertFails(new Sample(SpGistRecord.PICKSPLIT, 4, 3, false, pickSplit(0, 0, 1, 0)), "block reference 3");
        assertFails(new Sample(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(1, 0, 0, 0)), "block reference 0");
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
        apply(new Sample(SpGistRecord.VACUUM_LEAF, 1, 0, false, placed));
        assertThat(items()).containsExactly("dead", "leaf 2>4", "placeholder", "leaf 4>0", "leaf 6>0", "placeholder");
        assertCounters(0, 2);
        assertFails(new Sample(SpGistRecord.VACUUM_LEAF, 1, 0, false, Arrays.copyOf(main, 30)), "VACUUM_LEAF");
        assertFails(new Sample(SpGistRecord.VACUUM_LEAF, 2, 1, false, main), "block reference 1");
        page(LEAF, leaf(1, 0), leaf(2, 0), leaf(3, 0), leaf(4, 0));
        apply(new Sample(SpGistRecord.VACUUM_ROOT, 1, 0, false, u16s(3, 0, 77, 0, 0, 0, 1, 2, 4)));
        assertThat(items()).containsExactly("leaf 3>0");
    }

    @Test
    void redirectionsAndPlaceholdersGo() throws Exception {
        for (PostgresVersion version : PostgresVersion.values()) {
            byte[] head = version.isAtLeast(PostgresVersion.V16) ? u16s(2, 3, 77, 0, 1) : u16s(2, 3, 77, 0);
            page(0, dead(1), inner(1, 1), dead(3), dead(1));
            page.putTid(page.normalItem(1, 16) + 6, 5, 6);
            Sample sample = new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, concat(head, u16s(1, 4)));
            redo.redo(page, sample.record(version), 0);
            assertThat(items()).containsExactly("placeholder", "inner 1: 0/0 ");
            assertCounters(0, 1);
            int at = page.normalItem(1, 16);
            assertThat(page.tidBlock(at + 6)).isEqualTo(-1);
            assertThat(page.tidOffset(at + 6)).isZero();
            assertThat(page.i32(at + 12)).as("xid").isEqualTo(99);
        }
        page(LEAF, dead(1), leaf(1, 0));
        assertFails(new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(0, 2, 7, 0, 0)), "a placeholder is");
        assertFails(new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(0, 3, 7, 0, 0)), "the last is 2");
        assertFails(new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 0, 7, 0, 0, 2)), "a redirection is");
        page.putU16(FLAGS + 2, 0);
        assertFails(new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 0, 7, 0, 0, 1)), "0 redirections");
    }

    @Test
    void whatIsNoPageOfAnIndexIsRefused() throws Exception {
        Sample sample = addLeaf(0, 0, 1, 0, leaf(9, 0));
        page(LEAF | 1);
        assertFails(sample, "meta page");
        page(LEAF);
        page.putU16(8190, 0xFF81);
        assertFails(sample, "page id is 0xff81");
        page.initialize(16);
        assertFails(sample, "no special area of 8 bytes");
        page(LEAF);
        assertFails(new Sample(0xF0, 1, 0, false, new byte[30]), "block reference 0");
        page(0, inner(1, 2));
        assertFails(
                new Sample(SpGistRecord.ADD_LEAF, 2, 1, false, concat(u16s(0, 1, 0, 1, 2), leaf(1, 0))),
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

    private static Sample[] samples() {
        byte[] move = concat(u16s(3, 0x0100, 0, 1, 2, 0, 77, 0, 0, 0, /* delete */ 3, 1, 2, /* add */ 4), leaf(5, 0));
        byte[] vacuum = u16s(1, 1, 1, 1, 77, 0, 0, 0, /* dead */ 1, /* placeholder */ 4, /* moves */ 3, 2, 2, 4);
        return new Sample[] {
            addLeaf(0, 0, 4, 3, leaf(9, 0)),
            addLeaf(0, 0, 1, 1, leaf(9, 0)),
            new Sample(SpGistRecord.MOVE_LEAFS, 3, 0, false, move),
            new Sample(SpGistRecord.MOVE_LEAFS, 3, 1, false, move),
            new Sample(SpGistRecord.PICKSPLIT, 4, 0, false, pickSplit(0, 0, 0, 0)),
            new Sample(SpGistRecord.PICKSPLIT, 4, 0, true, pickSplit(0, 1, 0, 0)),
            new Sample(SpGistRecord.VACUUM_LEAF, 1, 0, false, vacuum),
            new Sample(SpGistRecord.VACUUM_ROOT, 1, 0, false, u16s(3, 0, 77, 0, 0, 0, 1, 2, 4)),
            new Sample(SpGistRecord.VACUUM_REDIRECT, 1, 0, false, u16s(1, 4, 77, 0, 5, 5)),
            new Sample(SpGistRecord.ADD_NODE, 1, 0, false, addNode(1, 0, 0, 0xFF, 0)),
            new Sample(SpGistRecord.ADD_NODE, 2, 0, false, addNode(1, 3, 0, 0, 0)),
            new Sample(SpGistRecord.SPLIT_TUPLE, 1, 0, false, concat(u16s(1, 4, 0x0100), inner(8, 1), inner(9, 3)))
        };
    }

    @Test
    void mutatedRecordsAndPagesNeverHalfChangeAPage() throws Exception {
        long seed = 16;
        Random random = new Random(seed);
        Sample[] samples = samples();
        int[] done = new int[samples.length];
        int[] refused = new int[samples.length];
        for (int round = 0; round < 60_000; round++) {
            int which = round % samples.length;
            Sample sample = samples[which];
            boolean inner = sample.opcode() == SpGistRecord.ADD_NODE || sample.opcode() == SpGistRecord.SPLIT_TUPLE;
            if (inner) {
                page(0, inner(1, 2), inner(2, 2), inner(3, 1), dead(3), dead(1));
            } else {
                page(LEAF, leaf(1, 0), leaf(2, 3), leaf(3, 0), dead(3), dead(1));
            }
            byte[] main = mutated(random, sample.main());
            for (int i = random.nextInt(3); i > 0; i--) {
                int at = switch (random.nextInt(3)) {
                    case 0 -> 8 + random.nextInt(40);
                    case 1 -> FLAGS - 1 - random.nextInt(140);
                    default -> FLAGS + random.nextInt(8);
                };
                page.bytes()[at] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
            }
            byte[] before = page.bytes().clone();
            PostgresVersion version = PostgresVersion.values()[random.nextInt(5)];
            WalRecord record =
                    new Sample(sample.opcode(), sample.blocks(), sample.blockId(), sample.init(), main).record(version);
            try {
                if (redo.redo(page, record, sample.blockId()) != RedoResult.PAGE_MISSING) {
                    done[which]++;
                }
            } catch (RedoException e) {
                refused[which]++;
                assertThat(page.bytes()).as("seed %d round %d", seed, round).isEqualTo(before);
            }
        }
        assertThat(done).as("done").doesNotContain(0);
        assertThat(refused).as("refused").doesNotContain(0);
    }

    private static byte[] mutated(Random random, byte[] bytes) {
        byte[] mutated =
                random.nextInt(10) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 4)) : bytes.clone();
        if (mutated.length > 0 && random.nextInt(3) == 0) {
            mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
        }
        return mutated;
    }

    private void apply(Sample sample) throws Exception {
        page.setLsn(0);
        RedoResult result = redo.redo(page, sample.record(PostgresVersion.V16), sample.blockId());
        assertThat(result).isEqualTo(sample.init() ? RedoResult.INITIALIZED : RedoResult.APPLIED);
        assertThat(page.lsn()).isEqualTo(END);
    }

    private void assertFails(Sample sample, String message) {
        page.setLsn(0);
        byte[] before = page.bytes().clone();
        assertThatThrownBy(() -> redo.redo(page, sample.record(PostgresVersion.V16), sample.blockId()))
                .isInstanceOf(RedoException.class)
                .hasMessageContaining(message);
        assertThat(page.bytes()).isEqualTo(before);
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
            editor.addItem(page, tuple, 0, tuple.length, page.maxOffset() + 1, PageEditor.Placement.SHUFFLE);
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

    private static byte[] u16s(int... values) {
        byte[] bytes = new byte[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            LittleEndian.putU16(bytes, 2 * i, values[i]);
        }
        return bytes;
    }

    private static byte[] concat(byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        byte[] all = new byte[length];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }
}
