package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
    private static final long MILLI = 1_000_000;

    private static ThrottleSettings settings(int initial, int amount, Duration interval, int max) {
        return new ThrottleSettings(true, initial, interval, amount, max);
    }

    @Test
    void whoAsksForMoreThanThereIsWaitsForItInTurn() {
        TokenBucket bucket = new TokenBucket(settings(5, 10, Duration.ofMillis(100), 20), 0);
        assertThat(bucket.take(5, 0)).isZero();
        assertThat(bucket.take(1, 0)).isEqualTo(10 * MILLI);
        assertThat(bucket.take(2, 0)).as("behind the one before").isEqualTo(30 * MILLI);
        assertThat(bucket.take(1, 20 * MILLI)).isEqualTo(20 * MILLI);
        assertThat(bucket.take(1, 60 * MILLI)).as("two have come since").isZero();
    }

    @Test
    void noMoreAreKeptThanMayBe() {
        TokenBucket bucket = new TokenBucket(settings(1000, 1, Duration.ofMillis(1), 20), 0);
        assertThat(bucket.take(20, 0)).isZero();
        assertThat(bucket.isFull(19 * MILLI)).isFalse();
        assertThat(bucket.isFull(20 * MILLI)).isTrue();
        assertThat(bucket.take(21, 3_600_000 * MILLI)).isEqualTo(MILLI);
    }

    @Test
    void timeThatGoesBackGivesNothing() {
        TokenBucket bucket = new TokenBucket(settings(0, 1, Duration.ofMillis(1), 20), 100 * MILLI);
        assertThat(bucket.take(1, 50 * MILLI)).isEqualTo(MILLI);
        assertThat(bucket.take(1, 100 * MILLI)).isEqualTo(2 * MILLI);
    }

    /** Over any stretch of time nobody gets more than what was there and has come. */
    @Test
    void theRateIsWhatWasSaid() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            int amount = 1 + random.nextInt(1000);
            int max = 1 + random.nextInt(100);
            long interval = 1L + random.nextInt(1_000_000_000);
            TokenBucket bucket = new TokenBucket(settings(0, amount, Duration.ofNanos(interval), max), 0);
            long now = 0;
            long taken = 0;
            for (int i = 0; i < 1000; i++) {
                int count = 1 + random.nextInt(32);
                taken += count;
                now += bucket.take(count, now);
                double come = (double) now * amount / interval;
                assertThat((double) taken).as("seed %d, step %d", seed, i).isBetween(come - 1.001, come + 1.001);
            }
        }
    }

    @Test
    void aThrottleThatLetsNobodyThroughCannotBeMade() {
        assertThatThrownBy(() -> settings(1, 0, Duration.ofSeconds(1), 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings(1, 1, Duration.ZERO, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings(1, 1, Duration.ofSeconds(1), 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
