package dev.palimpsest.postgres.slru;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.TimestampTz;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SlruUpdateCodecTest {
    private static final List<SlruUpdate> UPDATES = List.of(
            new SlruUpdate.Zero(new SlruPage(SlruKind.COMMIT_TS, 5)),
            new SlruUpdate.Status(
                    new SlruPage(SlruKind.CLOG, 1), new int[] {40_000, 65_535, 32_768}, TransactionStatus.ABORTED),
            new SlruUpdate.Status(
                    new SlruPage(SlruKind.CLOG, 131_071), new int[] {-1, -32_768}, TransactionStatus.COMMITTED),
            new SlruUpdate.CommitTime(
                    new SlruPage(SlruKind.COMMIT_TS, 2), new int[] {1638, 2456}, new TimestampTz(-77), 65_535),
            new SlruUpdate.Offsets(new SlruPage(SlruKind.MULTIXACT_OFFSETS, 0), 2046, new int[] {-5, 7}),
            new SlruUpdate.Members(
                    new SlruPage(SlruKind.MULTIXACT_MEMBERS, 1), 1636, new int[] {700, 701, -9}, new byte[] {0, 5, 2}));

    private static byte[] applied(SlruUpdate update) {
        byte[] page = new byte[8192];
        Arrays.fill(page, (byte) 0x11);
        update.apply(page);
        return page;
    }

    @Test
    void whatIsReadChangesThePageAsWhatWasWritten() throws Exception {
        for (SlruUpdate update : UPDATES) {
            byte[] bytes = SlruUpdateCodec.encode(update);
            SlruUpdate again = SlruUpdateCodec.decode(update.page(), bytes);
            assertThat(again.page()).isEqualTo(update.page());
            assertThat(again.replacesPage()).isEqualTo(update instanceof SlruUpdate.Zero);
            assertThat(SlruUpdateCodec.encode(again)).isEqualTo(bytes);
            assertThat(applied(again)).isEqualTo(applied(update));
            byte[] twice = applied(update);
            again.apply(twice);
            assertThat(twice).as("twice is the same as once").isEqualTo(applied(update));
        }
    }

    @Test
    void changesOfOtherPagesAreRefused() {
        for (SlruUpdate update : UPDATES) {
            for (SlruUpdate other : UPDATES) {
                if (update instanceof SlruUpdate.Zero || update.page().equals(other.page())) {
                    continue;
                }
                assertThatThrownBy(() -> SlruUpdateCodec.decode(other.page(), SlruUpdateCodec.encode(update)))
                        .isInstanceOf(MalformedUpdateException.class)
                        .hasMessageContaining(other.page().toString());
            }
        }
    }

    /** Whatever the bytes: a change that can be made to the page, or an exception. */
    @Test
    void damagedBytesNeverLeaveThePage() {
        long seed = 8;
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < 50_000; round++) {
            SlruUpdate update = UPDATES.get(random.nextInt(UPDATES.size()));
            byte[] bytes = SlruUpdateCodec.encode(update);
            bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 3));
            if (bytes.length > 0) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                SlruUpdate read = SlruUpdateCodec.decode(update.page(), bytes);
                read.apply(new byte[8192]);
            } catch (MalformedUpdateException e) {
                refused++;
            }
        }
        assertThat(refused).as("seed %d", seed).isGreaterThan(1000);
    }
}
