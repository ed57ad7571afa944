package dev.palimpsest.postgres.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.page.PageEditor.Placement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageEditorTest {
    private final PageEditor editor = new PageEditor();
    private final Page page = new Page();

    @Test
    void anEmptyPageIsWhatPageInitMakes() {
        page.initialize(13);
        assertThat(page.lower()).isEqualTo(24);
        assertThat(page.upper()).isEqualTo(8192 - 16);
        assertThat(page.special()).isEqualTo(8192 - 16);
        assertThat(page.bytes()[18]).isEqualTo((byte) 4);
        assertThat(page.bytes()[19]).isEqualTo((byte) 0x20);
        assertThat(page.maxOffset()).isZero();
    }

    @Test
    void theLsnIsStoredHighHalfFirst() throws Exception {
        page.setLsn(0x0123456789ABCDEFL);
        assertThat(page.lsn()).isEqualTo(0x0123456789ABCDEFL);
        assertThat(Arrays.copyOf(page.bytes(), 8)).containsExactly(0x67, 0x45, 0x23, 0x01, 0xEF, 0xCD, 0xAB, 0x89);
        page.putTid(100, 0x00010002, 3);
        assertThat(Arrays.copyOfRange(page.bytes(), 100, 106)).containsExactly(1, 0, 2, 0, 3, 0);
        assertThat(page.tidBlock(100)).isEqualTo(0x00010002);
        assertThat(page.tidOffset(100)).isEqualTo(3);
    }

    @Test
    void itemsAreAlignedButTheirLengthIsNot() throws Exception {
        page.initialize(0);
        add(1, 28, Placement.HEAP);
        add(2, 1, Placement.HEAP);
        assertThat(page.linePointer(1)).isEqualTo(LinePointer.of(8160, LinePointer.NORMAL, 28));
        assertThat(page.linePointer(2)).isEqualTo(LinePointer.of(8152, LinePointer.NORMAL, 1));
        assertThat(page.lower()).isEqualTo(32);
        assertThat(page.upper()).isEqualTo(8152);
    }

    @Test
    void placementDecidesWhatHappensToATakenNumber() throws Exception {
        page.initialize(0);
        add(1, 8, Placement.SHUFFLE);
        add(1, 16, Placement.SHUFFLE);
        assertThat(LinePointer.length(page.linePointer(1))).isEqualTo(16);
        assertThat(LinePointer.length(page.linePointer(2))).isEqualTo(8);
        assertUnchangedBy(() -> add(2, 8, Placement.OVERWRITE), "line pointer 2");
        assertUnchangedBy(() -> add(1, 8, Placement.HEAP), "line pointer 1");
        assertUnchangedBy(() -> add(4, 8, Placement.SHUFFLE), "number 4");
        assertUnchangedBy(() -> add(0, 8, Placement.SHUFFLE), "number 0");
        assertUnchangedBy(() -> add(3, 8136, Placement.SHUFFLE), "no room");
        page.setLinePointer(1, 0);
        add(1, 24, Placement.OVERWRITE);
        assertThat(LinePointer.length(page.linePointer(1))).isEqualTo(24);
        assertThat(page.maxOffset()).isEqualTo(2);
    }

    @Test
    void aHeapPageHasNoMoreThan291Tuples() throws Exception {
        page.initialize(0);
        for (int number = 1; number <= 291; number++) {
            add(number, 8, Placement.HEAP);
        }
        assertUnchangedBy(() -> add(292, 8, Placement.HEAP), "292");
        assertThat(page.heapFreeSpace()).isZero();
        page.setFlags(PageLayout.HAS_FREE_LINES);
        assertThat(page.heapFreeSpace()).isZero();
        page.setLinePointer(17, 0);
        assertThat(page.heapFreeSpace()).isEqualTo(page.freeSpace()).isPositive();
        add(292, 8, Placement.SHUFFLE);
    }

    @Test
    void twoDeletedOneByOneAndThreeTogetherLeaveAnotherOrder() throws Exception {
        build(5);
        add(1, 8, Placement.SHUFFLE);
        editor.deleteItems(page, new int[] {2, 3}, 2);
        int[] two = offsets();
        assertThat(two).isNotEqualTo(descending(two));

        build(6);
        add(1, 8, Placement.SHUFFLE);
        editor.deleteItems(page, new int[] {2, 3, 4}, 3);
        assertThat(offsets()).isEqualTo(descending(offsets()));
    }

    private static int[] descending(int[] values) {
        return Arrays.stream(values).map(v -> -v).sorted().map(v -> -v).toArray();
    }

    @Test
    void deletingMustNameItemsThatExistInOrder() throws Exception {
        build(5);
        assertThatThrownBy(() -> editor.deleteItems(page, new int[] {1, 2, 9}, 3))
                .isInstanceOf(PageException.class)
                .hasMessageContaining("line pointer 9");
        build(5);
        assertThatThrownBy(() -> editor.deleteItems(page, new int[] {3, 2, 4}, 3))
                .isInstanceOf(PageException.class);
        assertThatThrownBy(() -> editor.deleteItem(page, 6)).isInstanceOf(PageException.class);
    }

    @Test
    void deletingAllEmptiesThePage() throws Exception {
        build(4);
        editor.deleteItems(page, new int[] {1, 2, 3, 4}, 4);
        assertThat(page.lower()).isEqualTo(24);
        assertThat(page.upper()).isEqualTo(page.special());
        build(2);
        editor.deleteItems(page, new int[] {1, 2}, 2);
        assertThat(page.lower()).isEqualTo(24);
        assertThat(page.upper()).isEqualTo(page.special());
    }

    @Test
    void deletingTheOneWayAlsoMovesPointersWithoutStorage() throws Exception {
        build(3);
        page.setLinePointer(3, LinePointer.dead());
        editor.deleteItem(page, 1);
        assertThat(page.linePointer(2)).isEqualTo(LinePointer.of(16, LinePointer.DEAD, 0));
    }

    @Test
    void numbersAreKeptWhereBrinNeedsThem() throws Exception {
        build(3);
        byte[] third = content(3);
        editor.deleteItemKeepingNumbers(page, 2);
        assertThat(page.linePointer(2)).isZero();
        assertThat(content(3)).isEqualTo(third);
        editor.deleteItemKeepingNumbers(page, 3);
        assertThat(page.maxOffset()).isEqualTo(2);
    }

    @Test
    void overwritingKeepsTheOthersWhateverTheSize() throws Exception {
        for (int size : new int[] {1, 8, 17, 24, 40, 900}) {
            build(5);
            page.setLinePointer(3, LinePointer.withState(page.linePointer(3), LinePointer.DEAD));
            List<byte[]> before = contents();
            byte[] item = new byte[size];
            Arrays.fill(item, (byte) 0x7F);
            editor.overwriteItem(page, 3, item, 0, size);
            before.set(2, item);
            assertThat(sameContents(before)).as("size %d", size).isTrue();
            assertThat(LinePointer.state(page.linePointer(3))).isEqualTo(LinePointer.DEAD);
            assertTight();
        }
        assertUnchangedBy(() -> editor.overwriteItem(page, 3, new byte[8192], 0, 8192), "no room");
    }

    @Test
    void compactionFollowsTheLinePointersAndCutsSince15() throws Exception {
        build(6);
        byte[] second = content(2);
        byte[] fourth = content(4);
        page.setLinePointer(1, LinePointer.redirect(4));
        page.setLinePointer(3, LinePointer.dead());
        page.setLinePointer(5, LinePointer.of(77, LinePointer.UNUSED, 0));
        page.setLinePointer(6, 0);
        Page old = new Page();
        old.copyFrom(page);
        editor.repairFragmentation(page, true);
        assertThat(page.maxOffset()).isEqualTo(4);
        assertThat(page.flags() & PageLayout.HAS_FREE_LINES).isZero();
        assertThat(content(2)).isEqualTo(second);
        assertThat(content(4)).isEqualTo(fourth);
        assertThat(LinePointer.offset(page.linePointer(2))).isGreaterThan(LinePointer.offset(page.linePointer(4)));
        assertTight();

        page.copyFrom(old);
        editor.repairFragmentation(page, false);
        assertThat(page.maxOffset()).isEqualTo(6);
        assertThat(page.linePointer(5)).isZero();
        assertThat(page.flags() & PageLayout.HAS_FREE_LINES).isNotZero();
    }

    @Test
    void truncationKeepsTheFirstLinePointer() throws Exception {
        page.initialize(0);
        page.setLower(24 + 5 * 4);
        editor.truncateLinePointers(page);
        assertThat(page.maxOffset()).isEqualTo(1);
        assertThat(page.flags() & PageLayout.HAS_FREE_LINES).isNotZero();
        page.setLower(24 + 5 * 4);
        page.setLinePointer(1, LinePointer.dead());
        page.setLinePointer(2, LinePointer.dead());
        editor.truncateLinePointers(page);
        assertThat(page.maxOffset()).isEqualTo(2);
        assertThat(page.flags() & PageLayout.HAS_FREE_LINES).isZero();
    }

    @Test
    void aRandomSequenceOfChangesKeepsWhatAListKeeps() throws Exception {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            List<byte[]> model = new ArrayList<>();
            page.initialize(random.nextInt(3) * 8);
            for (int step = 0; step < 200; step++) {
                change(random, model);
                assertThat(sameContents(model))
                        .as("seed %d step %d", seed, step)
                        .isTrue();
                assertTight();
            }
        }
    }

    private void change(Random random, List<byte[]> model) throws PageException {
        int kind = random.nextInt(10);
        if (kind < 6 || model.isEmpty()) {
            byte[] item = new byte[1 + random.nextInt(200)];
            random.nextBytes(item);
            int number = 1 + random.nextInt(model.size() + 1);
            if (page.freeSpace() >= PageLayout.align8(item.length)) {
                editor.addItem(page, item, 0, item.length, number, Placement.SHUFFLE);
                model.add(number - 1, item);
            }
        } else if (kind < 8) {
            int[] list = random.ints(0, model.size())
                    .limit(1 + random.nextInt(8))
                    .distinct()
                    .sorted()
                    .map(i -> i + 1)
                    .toArray();
            editor.deleteItems(page, list, list.length);
            for (int i = list.length - 1; i >= 0; i--) {
                model.remove(list[i] - 1);
            }
        } else {
            byte[] item = new byte[1 + random.nextInt(100)];
            random.nextBytes(item);
            int number = 1 + random.nextInt(model.size());
            if (page.exactFreeSpace() >= 104) {
                editor.overwriteItem(page, number, item, 0, item.length);
                model.set(number - 1, item);
            }
        }
    }

    @Test
    void damagedPagesGiveAPageExceptionAndNothingElse() {
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            page.initialize(8);
            try {
                build(1 + random.nextInt(12));
                for (int i = 1 + random.nextInt(4); i > 0; i--) {
                    page.bytes()[10 + random.nextInt(60)] = (byte) random.nextInt();
                }
                int number = random.nextInt(14);
                switch (random.nextInt(7)) {
                    case 0 -> editor.addItem(page, new byte[50], 0, 50, number, Placement.SHUFFLE);
                    case 1 -> editor.deleteItem(page, number);
                    case 2 -> editor.deleteItems(page, new int[] {1, 2, 3}, 3);
                    case 3 -> editor.deleteItemKeepingNumbers(page, number);
                    case 4 -> editor.overwriteItem(page, number, new byte[50], 0, random.nextInt(50));
                    case 5 -> editor.repairFragmentation(page, random.nextBoolean());
                    default -> {
                        editor.truncateLinePointers(page);
                        page.normalItem(number, 23);
                    }
                }
            } catch (PageException e) {
                assertThat(e).as("seed %d", seed).hasMessageMatching("(?s).{10,}");
            }
        }
    }

    private interface Change {
        void make() throws PageException;
    }

    private void assertUnchangedBy(Change change, String message) {
        byte[] before = page.bytes().clone();
        assertThatThrownBy(change::make).isInstanceOf(PageException.class).hasMessageContaining(message);
        assertThat(page.bytes()).isEqualTo(before);
    }

    private void add(int number, int size, Placement placement) throws PageException {
        byte[] item = new byte[size];
        Arrays.fill(item, (byte) (page.maxOffset() + 1));
        editor.addItem(page, item, 0, size, number, placement);
    }

    private void build(int count) throws PageException {
        page.initialize(16);
        for (int number = 1; number <= count; number++) {
            add(number, 8 + 5 * number, Placement.SHUFFLE);
        }
    }

    private int[] offsets() throws PageException {
        int[] offsets = new int[page.maxOffset()];
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = LinePointer.offset(page.linePointer(i + 1));
        }
        return offsets;
    }

    private byte[] content(int number) throws PageException {
        int at = page.item(number, 1);
        return Arrays.copyOfRange(page.bytes(), at, at + LinePointer.length(page.linePointer(number)));
    }

    private List<byte[]> contents() throws PageException {
        List<byte[]> contents = new ArrayList<>();
        for (int number = 1; number <= page.maxOffset(); number++) {
            contents.add(content(number));
        }
        return contents;
    }

    private boolean sameContents(List<byte[]> expected) throws PageException {
        return Arrays.deepEquals(contents().toArray(), expected.toArray());
    }

    /** The items fill exactly what lies between upper and special. */
    private void assertTight() throws PageException {
        int sum = 0;
        BitSet taken = new BitSet();
        for (int number = 1; number <= page.maxOffset(); number++) {
            int pointer = page.linePointer(number);
            if (!LinePointer.hasStorage(pointer)) {
                continue;
            }
            int size = PageLayout.align8(LinePointer.length(pointer));
            sum += size;
            taken.set(LinePointer.offset(pointer), LinePointer.offset(pointer) + size);
        }
        assertThat(taken.cardinality()).as("no two items overlap").isEqualTo(sum);
        assertThat(page.special() - page.upper()).isEqualTo(sum);
    }
}
