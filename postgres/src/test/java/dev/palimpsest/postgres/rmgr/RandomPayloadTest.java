package dev.palimpsest.postgres.rmgr;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever bytes stand in a record: it is decoded and put into words, or refused as malformed. */
class RandomPayloadTest {
    private static final RelFileNode RELATION = new RelFileNode(1663, 5, 24650);

    /** Managers whose records tell their own length in many bytes, which random ones never get right. */
    private static final Set<Rmgr> REFUSED = EnumSet.of(Rmgr.RELMAP, Rmgr.LOGICAL_MESSAGE);

    @ParameterizedTest
    @EnumSource
    void isDecodedOrRefused(Rmgr manager) throws Exception {
        long seed = 12L + manager.id();
        Random random = new Random(seed);
        PostgresVersion[] versions = PostgresVersion.values();
        int decoded = 0;
        int refused = 0;
        for (int round = 0; round < 40_000; round++) {
            byte[] main = new byte[random.nextInt(random.nextBoolean() ? 40 : 200)];
            byte[] data = new byte[random.nextInt(30)];
            for (byte[] bytes : List.of(main, data)) {
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = (byte) (random.nextInt(3) > 0 ? 0 : random.nextInt(random.nextBoolean() ? 6 : 256));
                }
            }
            RecordBuilder builder = new RecordBuilder(
                            versions[random.nextInt(versions.length)], manager.id(), random.nextInt(16) << 4)
                    .main(main);
            if (random.nextBoolean()) {
                builder.block(random.nextInt(3), RELATION, 1).data(data);
            }
            try {
                assertThat(RecordDescriber.describe(builder.decoded(0x100, 0x180)))
                        .as("seed %d round %d", seed, round)
                        .isNotNull()
                        .doesNotContain("bytes of main data");
                decoded++;
            } catch (MalformedRecordException e) {
                refused++;
            }
        }
        if (!REFUSED.contains(manager)) {
            assertThat(decoded).as("decoded, seed %d", seed).isGreaterThan(500);
        }
        if (manager != Rmgr.GENERIC) {
            assertThat(refused).as("refused, seed %d", seed).isGreaterThan(500);
        }
    }
}
