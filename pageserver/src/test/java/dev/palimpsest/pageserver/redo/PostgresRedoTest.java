package dev.palimpsest.pageserver.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.value.WalRecord;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Where redo puts the page. What it makes of it is PostgreSQL's to say: see the tests that compare with one. */
class PostgresRedoTest {
    private static final int PAGE = 8192;
    private static final int HEADER = 24;
    private static final Key MAP = new RelTag(1663, 5, 16384, RelTag.VISIBILITY_MAP).blockKey(0);
    /** Takes the two bits of heap block 0 away: the lowest of the first byte. */
    private static final List<WalRedo.LsnRecord> CLEAR = List.of(new WalRedo.LsnRecord(
            new Lsn(0x2000), new WalRecord.ClearVisibilityMapFlags(OptionalInt.of(0), OptionalInt.empty(), 3)));

    private static byte[] ones(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 0xFF);
        return bytes;
    }

    @Test
    void anImageIsChangedWhereItIs() throws RedoException {
        byte[] image = ones(PAGE);
        try (PostgresRedo redo = new PostgresRedo()) {
            byte[] page = redo.redo(
                    17, MAP, new Lsn(0x2000), new WalRedo.BaseImage(new Lsn(0x1000), image), CLEAR, length -> {
                        throw new AssertionError("an array of " + length + " bytes is asked for");
                    });
            byte[] expected = ones(PAGE);
            expected[HEADER] = (byte) 0xFC;
            assertThat(page).isSameAs(image).isEqualTo(expected);
        }
    }

    @Test
    void withoutAnImageItBeginsWithZerosWhateverWasInTheArray() throws RedoException {
        byte[] used = ones(PAGE);
        try (PostgresRedo redo = new PostgresRedo()) {
            byte[] page = redo.redo(17, MAP, new Lsn(0x2000), null, CLEAR, length -> {
                assertThat(length).isEqualTo(PAGE);
                return used;
            });
            byte[] expected = redo.redo(17, MAP, new Lsn(0x2000), null, CLEAR, byte[]::new);
            assertThat(page).isSameAs(used).isEqualTo(expected).isNotEqualTo(ones(PAGE));
        }
    }

    @Test
    void anImageOfAnotherLengthIsRefused() {
        try (PostgresRedo redo = new PostgresRedo()) {
            for (int length : new int[] {0, PAGE - 1, PAGE + 1}) {
                WalRedo.BaseImage image = new WalRedo.BaseImage(new Lsn(0x1000), new byte[length]);
                assertThatThrownBy(() -> redo.redo(17, MAP, new Lsn(0x2000), image, CLEAR, byte[]::new))
                        .isInstanceOf(RedoException.class)
                        .hasMessageContaining("an image of " + length + " bytes");
            }
        }
    }
}
