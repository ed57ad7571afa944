package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.FreeSpaceMapPage;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StorageTruncationTest {
    private static final RelFileNode RELATION = new RelFileNode(1663, 5, 16385);

    private static StorageTruncation to(long blocks) {
        return new StorageTruncation(RELATION, (int) blocks, StorageRecord.TRUNCATE_ALL);
    }

    private static List<String> editsOf(StorageTruncation truncation) {
        return truncation.edits().stream()
                .map(edit -> edit.page().fork() + " " + edit.page().blockNumber() + " keeps " + edit.kept())
                .toList();
    }

    @Test
    void lengthsOfMapsFollowThatOfTheHeap() {
        assertThat(to(0).length(ForkNumber.MAIN)).isZero();
        assertThat(to(0).length(ForkNumber.VISIBILITY_MAP)).isZero();
        assertThat(to(0).length(ForkNumber.FSM)).isEqualTo(2);
        assertThat(to(0).length(ForkNumber.INIT)).isEqualTo(StorageTruncation.NOT_CUT);
        assertThat(to(1).length(ForkNumber.VISIBILITY_MAP)).isEqualTo(1);
        assertThat(to(1).length(ForkNumber.FSM)).isEqualTo(3);
        assertThat(to(32672).length(ForkNumber.VISIBILITY_MAP)).isEqualTo(1);
        assertThat(to(32673).length(ForkNumber.VISIBILITY_MAP)).isEqualTo(2);
        assertThat(to(4069).length(ForkNumber.FSM)).isEqualTo(3);
        assertThat(to(4070).length(ForkNumber.FSM)).isEqualTo(4);
        assertThat(to(0xFFFF_FFFEL).length(ForkNumber.MAIN)).isEqualTo(0xFFFF_FFFEL);
        assertThat(to(0xFFFF_FFFEL).length(ForkNumber.VISIBILITY_MAP)).isEqualTo(131458);
        assertThat(new StorageTruncation(RELATION, 3, StorageRecord.TRUNCATE_HEAP).edits())
                .isEmpty();
        assertThat(new StorageTruncation(RELATION, 3, StorageRecord.TRUNCATE_HEAP).length(ForkNumber.FSM))
                .isEqualTo(StorageTruncation.NOT_CUT);
    }

    @Test
    void pagesOnTheWayToTheCutAreEdited() {
        assertThat(editsOf(to(0))).containsExactly("fsm 1 keeps 0", "fsm 0 keeps 0");
        assertThat(editsOf(to(10)))
                .containsExactly("vm 0 keeps 10", "fsm 2 keeps 10", "fsm 1 keeps 1", "fsm 0 keeps 1");
        assertThat(editsOf(to(32672 + 5)))
                .containsExactly("vm 1 keeps 5", "fsm 10 keeps 125", "fsm 1 keeps 9", "fsm 0 keeps 1");
        long below = 4069L * 4069;
        assertThat(editsOf(to(below)))
                .as("the middle page of the first block that is gone stays, empty")
                .contains("fsm 4071 keeps 0", "fsm 0 keeps 1");
        assertThat(editsOf(to(below - 1))).contains("fsm 4070 keeps 4068", "fsm 0 keeps 1");
    }

    @Test
    void bitsOfPagesThatAreGoneAreCleared() throws Exception {
        Page map = new Page();
        map.initialize(0);
        for (int block = 0; block < 32672; block++) {
            VisibilityMap.set(map, block, VisibilityMap.ALL_BITS);
        }
        map.setLsn(0x5000);
        for (int kept : new int[] {32671, 1234, 1233, 4, 1}) {
            StorageTruncation.Edit edit = to(kept).edits().get(0);
            assertThat(edit.applyTo(map)).isTrue();
            assertThat(edit.applyTo(map)).isFalse();
            for (int block = 0; block < 32672; block++) {
                int bits = (map.u8(24 + block / 4) >> (2 * (block % 4))) & 3;
                assertThat(bits).as("block %d of %d", block, kept).isEqualTo(block < kept ? 3 : 0);
            }
        }
        assertThat(map.lsn()).isEqualTo(0x5000);
        assertThat(to(1).edits().get(0).applyTo(new Page())).isFalse();
    }

    @Test
    void slotsOfPagesThatAreGoneAreClearedAndTheTreeFollows() throws Exception {
        Random random = new Random(3);
        Page page = new Page();
        page.initialize(0);
        int[] values = new int[FreeSpaceMapPage.SLOTS];
        for (int slot = 0; slot < values.length; slot++) {
            values[slot] = random.nextInt(256);
            FreeSpaceMapPage.setSlot(page, slot, values[slot]);
        }
        for (int kept : new int[] {4069, 4068, 2000, 77, 3, 1, 0}) {
            new StorageTruncation.Edit(new BlockTag(RELATION, ForkNumber.FSM, 2), kept).applyTo(page);
            int greatest = 0;
            for (int slot = 0; slot < values.length; slot++) {
                int expected = slot < kept ? values[slot] : 0;
                assertThat(FreeSpaceMapPage.slot(page, slot)).isEqualTo(expected);
                greatest = Math.max(greatest, expected);
            }
            assertThat(FreeSpaceMapPage.root(page)).as("%d slots", kept).isEqualTo(greatest);
        }
    }

    @Test
    void pagesOfTheFreeSpaceMapComeBeforeThoseBelowThem() {
        assertThat(FreeSpaceMapPage.blockOf(2, 0)).isEqualTo(0);
        assertThat(FreeSpaceMapPage.blockOf(1, 0)).isEqualTo(1);
        assertThat(FreeSpaceMapPage.blockOf(0, 0)).isEqualTo(2);
        assertThat(FreeSpaceMapPage.blockOf(0, 4068)).isEqualTo(4070);
        assertThat(FreeSpaceMapPage.blockOf(1, 1)).isEqualTo(4071);
        assertThat(FreeSpaceMapPage.blockOf(0, 4069)).isEqualTo(4072);
    }
}
