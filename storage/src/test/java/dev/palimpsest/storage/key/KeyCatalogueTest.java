package dev.palimpsest.storage.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyCatalogueTest {
    private static final RelTag RELATION = new RelTag(0x67F, 5, 0x4000, RelTag.VISIBILITY_MAP);

    /** One key of each kind that the store has. */
    @SuppressWarnings("ImmutableEnumChecker") // a key is immutable, only not annotated so
    enum Kind {
        DATABASE_DIRECTORY(RelationKeys.DATABASE_DIRECTORY, "000000000000000000000000000000000000"),
        RELATION_MAP(RelationKeys.relationMap(0x67F, 5), "000000067F00000005000000000000000000"),
        SHARED_RELATION_MAP(RelationKeys.relationMap(0x680, 0), "000000068000000000000000000000000000"),
        RELATION_DIRECTORY(RelationKeys.relationDirectory(0x67F, 5), "000000067F00000005000000000000000001"),
        SHARED_DIRECTORY(RelationKeys.relationDirectory(0x680, 0), "000000068000000000000000000000000001"),
        MAIN_BLOCK(new RelTag(0x67F, 5, 0x4000, 0).blockKey(0x7D06), "000000067F00000005000040000000007D06"),
        FSM_BLOCK(new RelTag(0x67F, 5, 0x4000, 1).blockKey(2), "000000067F00000005000040000100000002"),
        VM_BLOCK(RELATION.blockKey(-2), "000000067F000000050000400002FFFFFFFE"),
        SIZE(RELATION.sizeKey(), "000000067F000000050000400002FFFFFFFF"),
        SLRU_DIRECTORY(SlruKeys.directory(SlruKind.MULTIXACT_OFFSETS), "010000000200000000000000000000000000"),
        SLRU_BLOCK(SlruKeys.block(SlruKind.MULTIXACT_MEMBERS, 0xAB, 31), "010000000100000001000000AB000000001F"),
        SLRU_SIZE(SlruKeys.segmentSize(SlruKind.XACT, 0xAB), "010000000000000001000000AB00FFFFFFFF"),
        TWO_PHASE_DIRECTORY(TwoPhaseKeys.DIRECTORY, "020000000000000000000000000000000000"),
        TWO_PHASE_FILE(TwoPhaseKeys.stateFile(0x0102_0304_0506_0708L), "020000000000000000000102030405060708"),
        CONTROL_FILE(ControlKeys.CONTROL_FILE, "030000000000000000000000000000000000"),
        CHECKPOINT(ControlKeys.CHECKPOINT, "030000000000000000000000000000000001"),
        LEGACY_AUX_FILES(ControlKeys.LEGACY_AUX_FILES, "030000000000000000000000000000000002"),
        AUX_FILE(AuxFileKeys.file("pg_replslot/test3"), "62000002017F8D83D94F7081693471ABFB92"),
        ORIGIN(ReplicationOriginKeys.origin(0xFFFF), "63000000000000000000000000000000FFFF"),
        DIRECTORY_ENTRY(RELATION.directoryEntryKey(), "650000067F00000005000040000200000001");

        private final Key key;
        private final String text;

        Kind(Key key, String text) {
            this.key = key;
            this.text = text;
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyKeyIsWhereNeonHasIt(Kind kind) {
        assertThat(kind.key).hasToString(kind.text);
    }

    @Test
    void eachPredicateKnowsItsKindsAndNoOther() {
        recognises(RelationKeys::isBlock, Kind.MAIN_BLOCK, Kind.FSM_BLOCK, Kind.VM_BLOCK);
        recognises(RelationKeys::isFreeSpaceMapBlock, Kind.FSM_BLOCK);
        recognises(RelationKeys::isVisibilityMapBlock, Kind.VM_BLOCK);
        recognises(RelationKeys::isSize, Kind.SIZE);
        recognises(RelationKeys::isRelationMap, Kind.RELATION_MAP, Kind.SHARED_RELATION_MAP);
        recognises(RelationKeys::isRelationDirectory, Kind.RELATION_DIRECTORY, Kind.SHARED_DIRECTORY);
        recognises(RelationKeys::isDirectoryEntry, Kind.DIRECTORY_ENTRY);
        recognises(SlruKeys::isDirectory, Kind.SLRU_DIRECTORY);
        recognises(SlruKeys::isBlock, Kind.SLRU_BLOCK);
        recognises(SlruKeys::isSegmentSize, Kind.SLRU_SIZE);
        recognises(TwoPhaseKeys::isStateFile, Kind.TWO_PHASE_FILE);
        recognises(AuxFileKeys::isFile, Kind.AUX_FILE);
        recognises(ReplicationOriginKeys.ALL::contains, Kind.ORIGIN);
        recognises(KeyCatalogue::isSparse, Kind.AUX_FILE, Kind.ORIGIN, Kind.DIRECTORY_ENTRY);
        recognises(KeyCatalogue.SPARSE::contains, Kind.AUX_FILE, Kind.ORIGIN, Kind.DIRECTORY_ENTRY);
        recognises(KeyCatalogue.SPARSE_IN_USE::contains, Kind.AUX_FILE, Kind.ORIGIN, Kind.DIRECTORY_ENTRY);
        recognises(key -> !KeyCatalogue.isInherited(key), Kind.LEGACY_AUX_FILES, Kind.AUX_FILE, Kind.ORIGIN);
        recognises(KeyCatalogue.NOT_INHERITED::contains, Kind.LEGACY_AUX_FILES, Kind.AUX_FILE, Kind.ORIGIN);
    }

    private static void recognises(Predicate<Key> predicate, Kind... kinds) {
        List<Kind> found = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            if (predicate.test(kind.key)) {
                found.add(kind);
            }
        }
        assertThat(found).containsExactly(kinds);
    }

    @Test
    void sparseKeysEndBeforeTheGreatestKindThatFitsSevenBits() {
        assertThat(KeyCatalogue.isSparse(Key.of(0x5F, -1, -1, -1, -1, -1))).isFalse();
        assertThat(KeyCatalogue.isSparse(Key.of(0x60, 0, 0, 0, 0, 0))).isTrue();
        assertThat(KeyCatalogue.isSparse(Key.of(0x7E, -1, -1, -1, -1, -1))).isTrue();
        assertThat(KeyCatalogue.isSparse(Key.of(0x7F, 0, 0, 0, 0, 0))).isFalse();
    }

    @Test
    void inheritanceIsTheSameInBothForms() {
        for (int kind = 0; kind < 256; kind++) {
            for (int block = 0; block < 4; block++) {
                Key key = Key.of(kind, 0, 0, 0, 0, block);
                assertThat(KeyCatalogue.isInherited(key))
                        .as(key.toString())
                        .isEqualTo(!KeyCatalogue.NOT_INHERITED.contains(key));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1663, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF})
    void takesEveryTablespace(int spcNode) {
        RelTag relation = new RelTag(spcNode, -1, -1, RelTag.INIT);
        assertThat(RelTag.of(relation.blockKey(7))).isEqualTo(relation);
        assertThat(RelTag.of(relation.sizeKey())).isEqualTo(relation);
        assertThat(RelTag.of(relation.directoryEntryKey())).isEqualTo(relation);
        assertThat(RelationKeys.isBlock(relation.blockKey(7))).isTrue();
    }

    @Test
    void aForkReachesFromItsFirstBlockToItsSize() {
        assertThat(RELATION.range().start()).isEqualTo(RELATION.blockKey(0));
        assertThat(RELATION.range().end()).isEqualTo(Key.of(0, 0x67F, 5, 0x4000, 3, 0));
        assertThat(RELATION.range().contains(RELATION.sizeKey())).isTrue();
        RelTag last = new RelTag(0x67F, 5, 0x4000, 0xFF);
        assertThat(last.range().end()).isEqualTo(Key.of(0, 0x67F, 5, 0x4001, 0, 0));
    }

    @Test
    void aDatabaseReachesToItsLastRelation() {
        KeyRange database = RelationKeys.database(0x67F, 5);
        assertThat(database).hasToString("000000067F00000005000000000000000000-000000067F00000005FFFFFFFFFFFFFFFFFF");
        assertThat(database.contains(RelationKeys.relationMap(0x67F, 5))).isTrue();
        assertThat(database.contains(new RelTag(0x67F, 5, -1, RelTag.INIT).sizeKey()))
                .isTrue();
        assertThat(database.contains(new RelTag(0x67F, 6, 1, 0).blockKey(0))).isFalse();
        KeyRange entries = RelationKeys.directoryEntries(0x67F, 5);
        assertThat(entries.contains(RELATION.directoryEntryKey())).isTrue();
        assertThat(entries.contains(new RelTag(0x67F, 6, 0, 0).directoryEntryKey()))
                .isFalse();
        assertThat(RelationKeys.DIRECTORY_ENTRIES.contains(entries)).isTrue();
    }

    @Test
    void relationsSortAsTheirKeys() {
        int[] numbers = {0, 1, 0x7FFFFFFF, 0x80000000, -1};
        List<RelTag> relations = new ArrayList<>();
        for (int spc : numbers) {
            for (int db : numbers) {
                for (int rel : numbers) {
                    relations.add(new RelTag(spc, db, rel, 0));
                    relations.add(new RelTag(spc, db, rel, 0xFF));
                }
            }
        }
        for (RelTag a : relations) {
            for (RelTag b : relations) {
                assertThat(Integer.signum(a.compareTo(b)))
                        .as("%s and %s", a, b)
                        .isEqualTo(a.sizeKey().compareTo(b.sizeKey()));
            }
        }
    }

    @Test
    void namesRelationsAsPostgresDoes() {
        assertThat(new RelTag(1663, 5, 24576, 0)).hasToString("1663/5/24576");
        assertThat(new RelTag(1663, 5, 24576, 1)).hasToString("1663/5/24576_fsm");
        assertThat(new RelTag(1663, 5, 24576, 2)).hasToString("1663/5/24576_vm");
        assertThat(new RelTag(1663, 5, -1, 3)).hasToString("1663/5/4294967295_init");
    }

    @Test
    void refusesWhatIsNoRelation() {
        assertThatIllegalArgumentException().isThrownBy(() -> RelTag.of(ControlKeys.CHECKPOINT));
        assertThatIllegalArgumentException().isThrownBy(() -> RelTag.of(RelationKeys.relationMap(1663, 5)));
        assertThatIllegalArgumentException().isThrownBy(() -> RELATION.blockKey(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> new RelTag(1663, 5, 1, 256));
        assertThatIllegalArgumentException().isThrownBy(() -> new RelTag(1663, 5, 1, -1));
    }

    @ParameterizedTest
    @EnumSource
    void aSegmentReachesFromItsFirstBlockToItsSize(SlruKind kind) {
        KeyRange segment = SlruKeys.segment(kind, -1);
        assertThat(segment.start()).isEqualTo(SlruKeys.block(kind, -1, 0));
        assertThat(segment.end()).isEqualTo(Key.of(1, kind.number(), 1, -1, 1, 0));
        assertThat(segment.contains(SlruKeys.segmentSize(kind, -1))).isTrue();
        assertThat(SlruKind.of(segment.start())).isEqualTo(kind);
        assertThat(SlruKind.of(SlruKeys.directory(kind))).isEqualTo(kind);
    }

    @Test
    void theNumbersOfSlrusAreNeons() {
        assertThat(SlruKind.XACT.number()).isZero();
        assertThat(SlruKind.MULTIXACT_MEMBERS.number()).isEqualTo(1);
        assertThat(SlruKind.MULTIXACT_OFFSETS.number()).isEqualTo(2);
        assertThat(SlruKind.MULTIXACT_MEMBERS.directory()).isEqualTo("pg_multixact/members");
        assertThatIllegalArgumentException().isThrownBy(() -> SlruKind.of(Key.of(1, 4, 1, 0, 0, 0)));
        assertThatIllegalArgumentException().isThrownBy(() -> SlruKind.of(Key.of(1, -1, 1, 0, 0, 0)));
        assertThatIllegalArgumentException().isThrownBy(() -> SlruKind.of(Key.MIN));
        assertThatIllegalArgumentException().isThrownBy(() -> SlruKeys.block(SlruKind.XACT, 0, -1));
        assertThat(SlruKeys.isSegmentSize(Key.of(1, 4, 1, 0, 0, -1))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 0xFFFFFFFFL, 0x1_0000_0000L, 0x1_0000_0002L, 0xFF_FFFF_FFFFL, 0x100_0000_0000L, -1})
    void transactionIdsHave64Bits(long xid) {
        Key key = TwoPhaseKeys.stateFile(xid);
        assertThat(TwoPhaseKeys.xid(key)).isEqualTo(xid);
        assertThat(TwoPhaseKeys.stateFiles(1, xid).contains(key)).isTrue();
        assertThat(TwoPhaseKeys.stateFiles(xid, -1).start()).isEqualTo(key);
        if (xid != 1) {
            assertThat(TwoPhaseKeys.stateFiles(1, xid - 1).contains(key)).isFalse();
        }
    }

    @Test
    void longTransactionIdsFollowShortOnes() {
        Key key = TwoPhaseKeys.stateFile(0x1_0000_0002L);
        assertThat(key).isEqualTo(Key.of(2, 0, 0, 0, 1, 2)).isGreaterThan(TwoPhaseKeys.stateFile(0xFFFF_FFFFL));
        assertThat(TwoPhaseKeys.STATE_FILES.end()).isEqualTo(Key.of(2, 0, 1, 0, 0, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> TwoPhaseKeys.stateFile(0));
        assertThatIllegalArgumentException().isThrownBy(() -> TwoPhaseKeys.xid(TwoPhaseKeys.DIRECTORY));
        assertThatIllegalArgumentException().isThrownBy(() -> TwoPhaseKeys.xid(Key.of(2, 0, 0, 0x1000000, 0, 1)));
    }

    @Test
    void originsHave16Bits() {
        assertThat(ReplicationOriginKeys.origin(ReplicationOriginKeys.origin(0xABCD)))
                .isEqualTo(0xABCD);
        assertThat(ReplicationOriginKeys.ALL.pageCount()).isEqualTo(0x10000);
        assertThatIllegalArgumentException().isThrownBy(() -> ReplicationOriginKeys.origin(0x10000));
        assertThatIllegalArgumentException().isThrownBy(() -> ReplicationOriginKeys.origin(-1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReplicationOriginKeys.origin(Key.of(0x63, 0, 0, 0, 0, 0x10000)));
    }
}
