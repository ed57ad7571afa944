package dev.palimpsest.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WalStreamDecoderTest {
    private static final int MIB = 1 << 20;
    private static final long START = 3L * MIB;
    private static final RelFileNode TABLE = new RelFileNode(1663, 5, 24633);

    private record Seen(long start, long end, int length, int hash) {}

    private record Run(List<Seen> records, StopReason reason) {}

    @ParameterizedTest
    @EnumSource(PostgresVersion.class)
    void readsBackWhatWasWrittenHoweverItIsCut(PostgresVersion version) {
        long seed = 1000L + version.major();
        Random random = new Random(seed);
        long start = START + MIB - 12 * 8192;
        WalBuilder wal = new WalBuilder(version, MIB, 1, start);
        List<Long> starts = new ArrayList<>();
        while (wal.position() < START + MIB + 100_000) {
            int size = random.nextInt(20) == 0 ? random.nextInt(60_000) : random.nextInt(300);
            starts.add(wal.append(insert(version, random, size)));
        }
        byte[] bytes = wal.bytes();
        Run whole = run(version, bytes, start, bytes.length);
        assertThat(whole.records().stream().map(Seen::start)).containsExactlyElementsOf(starts);
        assertThat(whole.reason()).isEqualTo(new StopReason.EndOfInput(new Lsn(wal.position()), 0));
        for (int maximum : new int[] {1, 7, 24, 40, 100, 8192, 8193, 50_000, 1 << 20}) {
            Random cuts = new Random(seed * maximum);
            assertThat(run(version, bytes, start, () -> 1 + cuts.nextInt(maximum)))
                    .as("seed %d, pieces up to %d", seed, maximum)
                    .isEqualTo(whole);
        }
    }

    @Test
    void passesOverTheEndOfARecordThatBeganEarlier() {
        WalBuilder wal = new WalBuilder(PostgresVersion.V17, MIB, 1, START);
        Random random = new Random(1);
        wal.append(insert(PostgresVersion.V17, random, 30_000));
        long second = wal.append(insert(PostgresVersion.V17, random, 10));
        byte[] bytes = wal.bytes();
        for (int page = 1; page <= 3; page++) {
            byte[] tail = Arrays.copyOfRange(bytes, page * 8192, bytes.length);
            Run run = run(PostgresVersion.V17, tail, START + page * 8192L, 100);
            assertThat(run.records()).extracting(Seen::start).containsExactly(second);
        }
    }

    @Test
    void startsAtARecord() {
        WalBuilder wal = new WalBuilder(PostgresVersion.V17, MIB, 1, START);
        Random random = new Random(1);
        wal.append(insert(PostgresVersion.V17, random, 100));
        long second = wal.append(insert(PostgresVersion.V17, random, 9_000));
        long third = wal.append(insert(PostgresVersion.V17, random, 10));
        byte[] bytes = wal.bytes();
        byte[] tail = Arrays.copyOfRange(bytes, (int) (second - START), bytes.length);
        assertThat(run(PostgresVersion.V17, tail, second, 64).records())
                .extracting(Seen::start)
                .containsExactly(second, third);
    }

    @Test
    void everyTruncationGivesTheRecordsBeforeIt() {
        WalBuilder wal = new WalBuilder(PostgresVersion.V18, MIB, 1, START);
        Random random = new Random(3);
        for (int i = 0; i < 40; i++) {
            wal.append(insert(PostgresVersion.V18, random, random.nextInt(200)));
        }
        byte[] bytes = wal.bytes();
        Run whole = run(PostgresVersion.V18, bytes, START, bytes.length);
        for (int length = 0; length <= bytes.length; length++) {
            Run cut = run(PostgresVersion.V18, Arrays.copyOf(bytes, length), START, 8192);
            long end = START + length;
            List<Seen> expected = whole.records().stream()
                    .filter(r -> r.end() - (8 - (r.length() & 7) & 7) <= end)
                    .toList();
            assertThat(cut.records()).as("cut to %d", length).isEqualTo(expected);
            assertThat(cut.reason()).isInstanceOf(StopReason.EndOfInput.class);
        }
    }

    @Test
    void everyDamagedByteIsNoticed() {
        WalBuilder wal = new WalBuilder(PostgresVersion.V16, MIB, 1, START);
        Random random = new Random(4);
        for (int i = 0; i < 12; i++) {
            wal.append(insert(PostgresVersion.V16, random, 1000));
        }
        byte[] bytes = wal.bytes();
        Run whole = run(PostgresVersion.V16, bytes, START, bytes.length);
        for (int at = 0; at < bytes.length; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            Run run = run(PostgresVersion.V16, damaged, START, 8192);
            int count = run.records().size();
            assertThat(run.records())
                    .as("byte %d", at)
                    .isEqualTo(whole.records().subList(0, count));
            boolean complete = count == whole.records().size();
            if (complete) {
                assertThat(isHarmless(at, whole)).as("byte %d", at).isTrue();
            } else {
                assertThat(run.reason().describe()).isNotBlank();
            }
        }
    }

    /** Padding is in no checksum; nor are the padding and the system id of a page header. */
    private static boolean isHarmless(int at, Run whole) {
        int inPage = at & 8191;
        boolean header = (inPage < 40 && at < 40) || inPage < 24;
        boolean padding = whole.records().stream()
                .anyMatch(r -> START + at < r.end() && START + at >= r.end() - (8 - (r.length() & 7) & 7));
        return header || padding;
    }

    @Test
    void namesWhatIsWrong() {
        Random random = new Random(5);
        WalBuilder wal = new WalBuilder(PostgresVersion.V15, MIB, 3, START);
        long first = wal.append(insert(PostgresVersion.V15, random, 20));
        long second = wal.append(insert(PostgresVersion.V15, random, 9000));
        byte[] good = wal.bytes();
        int at = (int) (second - START);
        Lsn secondLsn = new Lsn(second);
        Lsn page = new Lsn(START + 8192);

        assertThat(reason(good, b -> b[at + 30]++)).isInstanceOf(StopReason.BadChecksum.class);
        assertThat(reason(good, b -> LittleEndian.putI32(b, at, 0))).isEqualTo(new StopReason.ZeroRecord(secondLsn));
        assertThat(reason(good, b -> LittleEndian.putI32(b, at, 23)))
                .isEqualTo(new StopReason.InvalidLength(secondLsn, 23));
        assertThat(reason(good, b -> LittleEndian.putI32(b, at, -1)))
                .isEqualTo(new StopReason.InvalidLength(secondLsn, 0xFFFFFFFFL));
        assertThat(reason(good, b -> LittleEndian.putI64(b, at + 8, 8)))
                .isEqualTo(new StopReason.PreviousLinkMismatch(secondLsn, new Lsn(first), new Lsn(8)));
        assertThat(reason(good, b -> b[at + 17] = 99)).isInstanceOf(StopReason.Malformed.class);
        assertThat(reason(good, b -> Arrays.fill(b, 8192, 8192 + 24, (byte) 0)))
                .isEqualTo(new StopReason.ZeroPage(page));
        assertThat(reason(good, b -> LittleEndian.putU16(b, 8192, 0xD118)).describe())
                .contains("segment 000000030000000000000003", "PostgreSQL 18", "PostgreSQL 15");
        assertThat(reason(good, b -> LittleEndian.putU16(b, 8192, 0xBEEF)).describe())
                .contains("BEEF", "no version");
        assertThat(reason(good, b -> LittleEndian.putI64(b, 8192 + 8, START)))
                .isEqualTo(new StopReason.PageAddressMismatch(page, new Lsn(START)));
        assertThat(reason(good, b -> LittleEndian.putI32(b, 8192 + 4, 2)))
                .isEqualTo(new StopReason.WrongTimeline(page, 2, 3, 9));
        assertThat(reason(good, b -> LittleEndian.putI32(b, 8192 + 4, 10)))
                .isEqualTo(new StopReason.WrongTimeline(page, 10, 3, 9));
        assertThat(reason(good, b -> LittleEndian.putI32(b, 8192 + 16, 5)))
                .isInstanceOf(StopReason.MissingContinuation.class);
        assertThat(reason(good, b -> LittleEndian.putU16(b, 8192 + 2, 0)))
                .isInstanceOf(StopReason.MissingContinuation.class);
        assertThat(reason(good, b -> LittleEndian.putU16(b, 8192 + 2, 0x11)))
                .isInstanceOf(StopReason.BadPageHeader.class);
        assertThat(reason(good, b -> LittleEndian.putI32(b, 32, 16 * MIB)))
                .isInstanceOf(StopReason.BadPageHeader.class);
    }

    private interface Damage {
        void to(byte[] bytes);
    }

    private static StopReason reason(byte[] good, Damage damage) {
        byte[] bytes = good.clone();
        damage.to(bytes);
        WalStreamDecoder decoder = new WalStreamDecoder(PostgresVersion.V15, MIB, 9, new Lsn(START));
        decoder.feed(bytes, 0, bytes.length);
        int count = 0;
        while (decoder.next()) {
            count++;
        }
        assertThat(count).isLessThan(2);
        return decoder.finish();
    }

    @Test
    void aSwitchSkipsTheRestOfTheSegment() {
        Random random = new Random(6);
        WalBuilder wal = new WalBuilder(PostgresVersion.V14, MIB, 1, START);
        wal.append(insert(PostgresVersion.V14, random, 500));
        long at = wal.append(new RecordBuilder(PostgresVersion.V14, 0, 0x40));
        long next = wal.append(insert(PostgresVersion.V14, random, 500));
        Run run = run(PostgresVersion.V14, wal.bytes(), START, 5000);
        assertThat(run.records()).extracting(Seen::start).contains(at, next);
        assertThat(run.records().get(1).end()).isEqualTo(START + MIB);
        assertThat(next).isEqualTo(START + MIB + 40);
    }

    @Test
    void anAbandonedRecordIsDropped() {
        PostgresVersion version = PostgresVersion.V18;
        Random random = new Random(7);
        WalBuilder wal = new WalBuilder(version, MIB, 1, START);
        long first = wal.append(insert(version, random, 500));
        long abandoned = wal.appendAbandoned(insert(version, random, 20_000));
        long overwrite = wal.append(overwrite(version, abandoned));
        long last = wal.append(insert(version, random, 500));
        Run run = run(version, wal.bytes(), START, 100);
        assertThat(run.records()).extracting(Seen::start).containsExactly(first, overwrite, last);
        assertThat(overwrite).isEqualTo(START + 8192 + 24);
    }

    @Test
    void anAbandonedRecordMustBeTheOneNamed() {
        PostgresVersion version = PostgresVersion.V18;
        Random random = new Random(7);
        WalBuilder wal = new WalBuilder(version, MIB, 1, START);
        wal.append(insert(version, random, 500));
        wal.appendAbandoned(insert(version, random, 20_000));
        wal.append(overwrite(version, START));
        assertThat(run(version, wal.bytes(), START, 100).reason()).isInstanceOf(StopReason.Malformed.class);
    }

    private static RecordBuilder overwrite(PostgresVersion version, long lsn) {
        byte[] main = new byte[16];
        LittleEndian.putI64(main, 0, lsn);
        return new RecordBuilder(version, 0, 0xD0).main(main);
    }

    @Test
    void anUnfinishedRecordIsNamed() {
        WalBuilder wal = new WalBuilder(PostgresVersion.V16, MIB, 1, START);
        long at = wal.append(insert(PostgresVersion.V16, new Random(8), 500));
        Run run = run(PostgresVersion.V16, Arrays.copyOf(wal.bytes(), 140), START, 1000);
        assertThat(run.reason()).isEqualTo(new StopReason.EndOfInput(new Lsn(at), 100));
    }

    @Test
    void bytesAreTakenOnlyWhenTheOnesBeforeAreUsedUp() {
        WalStreamDecoder decoder = new WalStreamDecoder(PostgresVersion.V16, MIB, -1, new Lsn(START));
        decoder.feed(new byte[10], 0, 10);
        assertThatThrownBy(() -> decoder.feed(new byte[10], 0, 10)).isInstanceOf(IllegalStateException.class);
        assertThat(decoder.next()).isFalse();
        assertThat(decoder.feedPosition()).isEqualTo(new Lsn(START + 10));
    }

    @Test
    void randomBytesNeverThrow() {
        long seed = 11;
        Random random = new Random(seed);
        WalBuilder wal = new WalBuilder(PostgresVersion.V17, MIB, 1, START);
        for (int i = 0; i < 200; i++) {
            wal.append(insert(PostgresVersion.V17, random, random.nextInt(400)));
        }
        byte[] good = wal.bytes();
        for (int round = 0; round < 1000; round++) {
            byte[] bytes = good.clone();
            for (int i = random.nextInt(20); i >= 0; i--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            Run run = run(PostgresVersion.V17, bytes, START, 10_000);
            assertThat(run.reason().describe())
                    .as("seed %d round %d", seed, round)
                    .isNotBlank();
        }
    }

    private static RecordBuilder insert(PostgresVersion version, Random random, int size) {
        byte[] data = new byte[1 + size];
        random.nextBytes(data);
        return new RecordBuilder(version, 10, 0)
                .xid(random.nextInt())
                .block(0, TABLE, random.nextInt())
                .data(Arrays.copyOf(data, Math.min(data.length, 5000)))
                .main(data);
    }

    private static Run run(PostgresVersion version, byte[] bytes, long start, int piece) {
        return run(version, bytes, start, () -> piece);
    }

    private static Run run(PostgresVersion version, byte[] bytes, long start, java.util.function.IntSupplier piece) {
        WalStreamDecoder decoder = new WalStreamDecoder(version, MIB, -1, new Lsn(start));
        List<Seen> seen = new ArrayList<>();
        int at = 0;
        while (at < bytes.length && decoder.stopped() == null) {
            int size = Math.min(piece.getAsInt(), bytes.length - at);
            if (decoder.feedPosition().value() != start + at) {
                throw new AssertionError("asks for " + decoder.feedPosition() + " at " + at);
            }
            byte[] copy = Arrays.copyOfRange(bytes, at, at + size);
            decoder.feed(copy, 0, size);
            while (decoder.next()) {
                WalRecord record = decoder.record();
                int from = record.offset();
                seen.add(new Seen(
                        record.startLsn(),
                        record.endLsn(),
                        record.totalLength(),
                        Arrays.hashCode(Arrays.copyOfRange(record.bytes(), from, from + record.totalLength()))));
            }
            Arrays.fill(copy, (byte) 0x77);
            at += size;
        }
        return new Run(seen, decoder.finish());
    }
}
