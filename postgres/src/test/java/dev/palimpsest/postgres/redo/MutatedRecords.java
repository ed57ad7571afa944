package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RedoException;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Redo of records that were mutated, on pages that were damaged, at random: each is applied and leaves a page whose header
 * is valid if it was, or is refused with a {@link RedoException} and leaves the page as it was. Nothing else may happen.
 */
final class MutatedRecords {
    /** Bytes of a page that may be damaged, so many from {@code from} on. */
    record Area(int from, int length) {}

    /** Makes a page that a change can be applied to. */
    interface PageMaker {
        void make(IndexChange change) throws PageException;
    }

    private final long seed;
    private final Random random;
    private int round;
    private int done;
    private int refused;

    MutatedRecords(long seed) {
        this.seed = seed;
        this.random = new Random(seed);
    }

    /** Checks each of the changes so many times, on pages of which one or two bytes in these areas may be wrong. */
    static void check(
            long seed, int times, IndexRedo index, List<IndexChange> changes, PageMaker maker, Area... damaged)
            throws MalformedRecordException, PageException {
        for (int i = 0; i < changes.size(); i++) {
            MutatedRecords mutated = new MutatedRecords(seed + i);
            IndexChange change = changes.get(i);
            for (int round = 0; round < times; round++) {
                maker.make(change);
                mutated.damage(index.page(), damaged);
                IndexChange other = change.with(mutated.mutated(change.main()), mutated.mutated(change.data()));
                mutated.check(index.redo(), index.page(), other.record(mutated.version()), change.blockId());
            }
            mutated.assertBothHappened(1);
        }
    }

    Random random() {
        return random;
    }

    PostgresVersion version() {
        PostgresVersion[] all = PostgresVersion.values();
        return all[random.nextInt(all.length)];
    }

    /** The bytes, now and then with one of them changed or with another length. */
    byte[] mutated(byte[] bytes) {
        byte[] mutated =
                random.nextInt(10) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 4)) : bytes.clone();
        if (mutated.length > 0 && random.nextInt(3) == 0) {
            mutated[random.nextInt(mutated.length)] = anything();
        }
        return mutated;
    }

    /** Changes up to two bytes in these areas of the page. */
    void damage(Page page, Area... areas) {
        for (int i = random.nextInt(3); i > 0; i--) {
            Area area = areas[random.nextInt(areas.length)];
            page.bytes()[area.from() + random.nextInt(area.length())] = anything();
        }
    }

    private byte anything() {
        return (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
    }

    /** Redoes the record's change. */
    void check(PageRedo redo, Page page, WalRecord record, int blockId) {
        round++;
        byte[] before = page.bytes().clone();
        boolean valid = page.hasValidHeader();
        try {
            RedoResult result = redo.redo(page, record, blockId);
            done += result != RedoResult.PAGE_MISSING ? 1 : 0;
            assertThat(page.hasValidHeader() || !valid)
                    .as("valid header, seed %d round %d", seed, round)
                    .isTrue();
        } catch (RedoException e) {
            refused++;
            assertThat(page.bytes()).as("seed %d round %d: %s", seed, round, e).isEqualTo(before);
        }
    }

    /** Records were applied, and refused, at least so often each. */
    void assertBothHappened(int times) {
        assertThat(done).as("done, seed %d", seed).isGreaterThanOrEqualTo(times);
        assertThat(refused).as("refused, seed %d", seed).isGreaterThanOrEqualTo(times);
    }
}
