package dev.palimpsest.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardIndexTest {
    @ParameterizedTest
    @CsvSource({"0, 1, 0001", "1, 2, 0102", "10, 16, 0a10", "254, 255, feff"})
    void isNumberAndCount(int number, int count, String text) {
        ShardIndex shard = new ShardIndex(number, count);
        assertThat(shard).hasToString(text);
        assertThat(shard.suffix()).isEqualTo("-" + text);
        assertThat(ShardIndex.parse(text)).isEqualTo(shard);
    }

    @Test
    void unshardedHasNoSuffix() {
        assertThat(ShardIndex.UNSHARDED.suffix()).isEmpty();
        assertThat(ShardIndex.UNSHARDED.isUnsharded()).isTrue();
        assertThat(new ShardIndex(0, 1).isUnsharded()).isFalse();
        assertThat(ShardIndex.parse("0000")).isEqualTo(ShardIndex.UNSHARDED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "010", "01020", "0202", "0100", "0A10", "01 2", "-102", "zz10"})
    void refusesWhatIsNoShard(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ShardIndex.parse(text))
                .withMessageContaining("\"" + text + "\"");
    }

    @Test
    void refusesShardsThatCannotBe() {
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardIndex(1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardIndex(2, 2));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardIndex(-1, 2));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardIndex(0, 256));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardIndex(0, -1));
    }

    @Test
    void sortsByCountThenNumber() {
        assertThat(new ShardIndex(1, 2)).isLessThan(new ShardIndex(0, 4));
        assertThat(new ShardIndex(0, 2)).isLessThan(new ShardIndex(1, 2));
    }
}
