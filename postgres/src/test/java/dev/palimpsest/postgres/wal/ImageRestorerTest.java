package dev.palimpsest.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ImageRestorerTest {
    private static final RelFileNode TABLE = new RelFileNode(1663, 5, 24633);

    @ParameterizedTest
    @EnumSource(ImageCompression.class)
    void restoresPagesWithAndWithoutAHole(ImageCompression compression) throws Exception {
        Random random = new Random(7);
        try (ImageRestorer restorer = new ImageRestorer()) {
            for (int round = 0; round < 20; round++) {
                Page page = page(random);
                if (round % 3 == 0) {
                    page.setLower(page.upper());
                }
                Page target = new Page();
                Arrays.fill(target.bytes(), (byte) 0x55);
                restorer.restore(record(page, compression), 0, target);
                if (page.lower() < page.upper()) {
                    page.zero(page.lower(), page.upper());
                }
                assertThat(target.bytes()).as("round %d", round).isEqualTo(page.bytes());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ImageCompression.class)
    void damagedImagesAreMalformedAndLeaveThePage(ImageCompression compression) throws Exception {
        long seed = 99;
        Random random = new Random(seed);
        Page untouched = new Page();
        Arrays.fill(untouched.bytes(), (byte) 0x55);
        try (ImageRestorer restorer = new ImageRestorer()) {
            for (int round = 0; round < 1000; round++) {
                WalRecord record = record(page(random), compression).copy();
                int at = record.imageOffset(0);
                for (int i = 1 + random.nextInt(4); i > 0; i--) {
                    record.bytes()[at + random.nextInt(record.imageLength(0))] = (byte) random.nextInt();
                }
                Page target = new Page();
                target.copyFrom(untouched);
                try {
                    restorer.restore(record, 0, target);
                } catch (MalformedRecordException e) {
                    assertThat(target.bytes())
                            .as("seed %d round %d", seed, round)
                            .isEqualTo(untouched.bytes());
                }
            }
        }
    }

    @Test
    void pglzRepeatsWhatItWrites() {
        byte[] target = new byte[10];
        byte[] compressed = {0b10, 'a', 0x06, 0x01};
        assertThat(Pglz.decompress(compressed, 0, 4, target, 10)).isTrue();
        assertThat(target).containsOnly('a');
        assertThat(Pglz.decompress(compressed, 0, 4, target, 9))
                .as("clipped to the size")
                .isTrue();
        assertThat(Pglz.decompress(compressed, 0, 3, target, 10)).isFalse();
        assertThat(Pglz.decompress(new byte[] {0b10, 'a', 0x06, 0x02}, 0, 4, target, 10))
                .as("reaches before the start")
                .isFalse();
        assertThat(Pglz.decompress(new byte[] {0b10, 'a', 0x06, 0x00}, 0, 4, target, 10))
                .isFalse();
        byte[] longRun = {0b10, 'b', 0x0F, 0x01, (byte) 200};
        byte[] big = new byte[219];
        assertThat(Pglz.decompress(longRun, 0, 5, big, 219)).isTrue();
        assertThat(big).containsOnly('b');
        assertThat(Pglz.decompress(longRun, 0, 4, big, 219)).isFalse();
    }

    @Test
    void refusesABlockWithoutImage() throws Exception {
        WalRecord record = new RecordBuilder(PostgresVersion.V18, 0, 0xB0)
                .block(0, TABLE, 0)
                .decoded(8, 64);
        try (ImageRestorer restorer = new ImageRestorer()) {
            assertThatThrownBy(() -> restorer.restore(record, 0, new Page()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static WalRecord record(Page page, ImageCompression compression) throws MalformedRecordException {
        return new RecordBuilder(PostgresVersion.V16, 0, 0xB0)
                .block(0, TABLE, 0)
                .image(page, RecordBuilder.ImageUse.APPLY, compression)
                .decoded(8, 64);
    }

    private static Page page(Random random) {
        Page page = new Page();
        page.initialize(16);
        for (int i = 24; i < 8192; i++) {
            page.bytes()[i] = (byte) (random.nextInt(8) == 0 ? random.nextInt() : i / 50);
        }
        page.setLower(28 + random.nextInt(1000));
        page.setUpper(page.lower() + 1 + random.nextInt(4000));
        return page;
    }
}
