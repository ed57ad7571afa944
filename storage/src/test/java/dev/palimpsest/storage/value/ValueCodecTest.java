package dev.palimpsest.storage.value;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.palimpsest.storage.CorruptionException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ValueCodecTest {
    private static final long SEED = 0x76616C75;
    private static final byte[] FOOBAR = "foobar".getBytes(UTF_8);
    private static final String FILE = "000-001__02-03";

    static Stream<Arguments> golden() {
        return Stream.of(
                arguments(new Value.Image(FOOBAR), "00000000 0000000000000006 666F6F626172"),
                arguments(new Value.Image(new byte[0]), "00000000 0000000000000000"),
                arguments(new WalRecord.Postgres(true, FOOBAR), "00000001 00000000 01 0000000000000006 666F6F626172"),
                arguments(new WalRecord.Postgres(false, FOOBAR), "00000001 00000000 00 0000000000000006 666F6F626172"),
                arguments(
                        new WalRecord.ClearVisibilityMapFlags(OptionalInt.of(0x11), OptionalInt.empty(), 3),
                        "00000001 00000001 01 00000011 00 03"),
                arguments(
                        new WalRecord.ClearVisibilityMapFlags(OptionalInt.empty(), OptionalInt.of(-2), 0xFF),
                        "00000001 00000001 00 01 FFFFFFFE FF"),
                arguments(
                        new WalRecord.ClearVisibilityMapFlags(OptionalInt.empty(), OptionalInt.empty(), 0),
                        "00000001 00000001 00 00 00"),
                arguments(
                        new WalRecord.ClogSetCommitted(new int[] {3, -1}, -2),
                        "00000001 00000002 0000000000000002 00000003 FFFFFFFF FFFFFFFFFFFFFFFE"),
                arguments(
                        new WalRecord.ClogSetAborted(new int[] {0x0A0B0C0D}),
                        "00000001 00000003 0000000000000001 0A0B0C0D"),
                arguments(new WalRecord.ClogSetAborted(new int[0]), "00000001 00000003 0000000000000000"),
                arguments(new WalRecord.MultixactOffsetCreate(1, -1), "00000001 00000004 00000001 FFFFFFFF"),
                arguments(
                        new WalRecord.MultixactMembersCreate(
                                7, List.of(new WalRecord.MultixactMember(8, 5), new WalRecord.MultixactMember(9, 0))),
                        "00000001 00000005 00000007 0000000000000002 00000008 00000005 00000009 00000000"),
                arguments(
                        new WalRecord.AuxFile("a/\u00DF", new byte[] {1, 2}),
                        "00000001 00000006 0000000000000004 612FC39F 01 0000000000000002 0102"),
                arguments(new WalRecord.AuxFile("a", null), "00000001 00000006 0000000000000001 61 00"),
                arguments(
                        new WalRecord.TruncateVisibilityMap(8168, 6),
                        "00000001 00000007 0000000000001FE8 0000000000000006"),
                arguments(new WalRecord.Test("x", true, true, null), "00000001 00000008 0000000000000001 78 01 01 00"),
                arguments(
                        new WalRecord.Test("", false, false, "yz"),
                        "00000001 00000008 0000000000000000 00 00 01 0000000000000002 797A"));
    }

    private static Arguments arguments(Value value, String hex) {
        return Arguments.of(value, hex.replace(" ", ""));
    }

    @ParameterizedTest
    @MethodSource("golden")
    void givesAndTakesTheBytesOfTheFormat(Value value, String hex) throws CorruptionException {
        assertThat(HexFormat.of().withUpperCase().formatHex(encode(value))).isEqualTo(hex);
        ByteBuffer source = ByteBuffer.wrap(HexFormat.of().parseHex(hex));
        assertThat(ValueCodec.decode(source, FILE, 0)).isEqualTo(value).hasToString(value.toString());
        assertThat(ValueCodec.willInit(source, FILE, 0)).isEqualTo(value.willInit());
        assertThat(source.position()).isZero();
        assertThat(source.limit()).isEqualTo(hex.length() / 2);
    }

    @Test
    void everyValueSurvives() throws CorruptionException {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 20_000; i++) {
            Value value = Values.any(i % Values.KINDS, random);
            byte[] bytes = encode(value);
            boolean direct = random.nextBoolean();
            int before = random.nextInt(9);
            int all = before + bytes.length + random.nextInt(9);
            ByteBuffer source = direct ? ByteBuffer.allocateDirect(all) : ByteBuffer.allocate(all);
            source.put(before, bytes).position(before).limit(before + bytes.length);
            Value again = ValueCodec.decode(source.asReadOnlyBuffer(), FILE, 0);
            assertThat(again)
                    .as("value %d of seed %x", i, SEED)
                    .isEqualTo(value)
                    .hasSameHashCodeAs(value);
            assertThat(ValueCodec.willInit(source, FILE, 0))
                    .as("value %d of seed %x", i, SEED)
                    .isEqualTo(value.willInit());
            assertThat(source.position()).isEqualTo(before);
        }
    }

    @Test
    void valuesOfDifferentContentDiffer() {
        List<Value> values = golden().map(a -> (Value) a.get()[0]).toList();
        assertThat(values).doesNotHaveDuplicates();
        assertThat(new WalRecord.Postgres(true, FOOBAR)).isNotEqualTo(new WalRecord.Postgres(true, new byte[6]));
        assertThat(new WalRecord.AuxFile("a", new byte[0])).isNotEqualTo(new WalRecord.AuxFile("a", null));
    }

    @Test
    void writesPagesAndRecordsWithoutAValue() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 1_000; i++) {
            byte[] bytes = Values.bytes(random);
            ByteBuffer source = ByteBuffer.allocateDirect(bytes.length + 7);
            source.put(3, bytes).position(3).limit(3 + bytes.length);
            ByteBuffer image = ByteBuffer.allocate(ValueCodec.encodedImageSize(bytes.length));
            ValueCodec.encodeImage(source, image);
            assertThat(image.hasRemaining()).isFalse();
            assertThat(image.array()).isEqualTo(encode(new Value.Image(bytes)));
            boolean willInit = random.nextBoolean();
            ByteBuffer record = ByteBuffer.allocate(ValueCodec.encodedPostgresSize(bytes.length));
            ValueCodec.encodePostgres(willInit, source, record);
            assertThat(record.hasRemaining()).isFalse();
            assertThat(record.array()).isEqualTo(encode(new WalRecord.Postgres(willInit, bytes)));
            assertThat(source.position()).isEqualTo(3);
            assertThat(source.limit()).isEqualTo(3 + bytes.length);
        }
    }

    @Test
    void writesAtThePositionAndNothingBeyond() {
        ByteBuffer target = ByteBuffer.allocate(40).position(5);
        ValueCodec.encode(new Value.Image(FOOBAR), target);
        assertThat(target.position()).isEqualTo(5 + 18);
        assertThat(target.get(4)).isZero();
        assertThat(target.get(22)).isEqualTo((byte) 'r');
        assertThat(target.get(23)).isZero();
    }

    @Test
    void refusesABufferThatIsTooSmallOrLittleEndian() {
        Value value = new Value.Image(FOOBAR);
        ByteBuffer small = ByteBuffer.allocate(17);
        ByteBuffer little = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.encode(value, small));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.encodeImage(ByteBuffer.wrap(FOOBAR), small));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ValueCodec.encodePostgres(true, ByteBuffer.wrap(FOOBAR), small));
        assertThat(small.position()).isZero();
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.encode(value, little));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.decode(little, FILE, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.willInit(little, FILE, 0));
    }

    @Test
    void refusesTextThatIsNotUnicode() {
        Value value = new WalRecord.AuxFile("\uD83D", null);
        assertThatIllegalArgumentException().isThrownBy(() -> ValueCodec.encodedSize(value));
    }

    @ParameterizedTest
    @CsvSource({
        "00000002 0000000000000006 666F6F626172, 0, 'found 2'",
        "FFFFFFFF 0000000000000006 666F6F626172, 0, 'found 4294967295'",
        "00000001 00000009, 4, 'found 9'",
        "00000001 FFFFFFFF 00000000, 4, 'found 4294967295'",
        "00000001 00000000 02 0000000000000000, 8, 'expected 0 or 1 for willInit, found 2'",
        "00000001 00000001 FF 00000011 00 03, 8, 'expected 0 or 1 for newHeapBlock'",
        "00000000 0000000000000007 666F6F626172, 4, 'length of an image is 7, yet 6 bytes follow'",
        "00000000 FFFFFFFFFFFFFFFF 666F6F626172, 4, 'length of an image is 18446744073709551615'",
        "00000000 0000000100000006 666F6F626172, 4, 'length of an image is 4294967302'",
        "00000000 0000000000000005 666F6F626172, 17, '1 more bytes'",
        "00000001 00000004 00000001 FFFFFFFF 00, 16, '1 more bytes'",
        "00000001 00000003 0000000000000002 0A0B0C0D, 8, 'length of xids is 2'",
        "00000001 00000003 4000000000000001 0A0B0C0D, 8, 'length of xids'",
        "00000001 00000005 00000007 0000000000000001 00000008, 12, 'length of members is 1'",
        "00000001 00000006 0000000000000001 FF 00, 16, 'path is not UTF-8'",
        "00000001 00000004 00000001 FFFFFF, 12, 'expected 4 bytes of memberOffset, found the last 3'",
        "000000, 0, 'expected 4 bytes of the tag of a value'",
    })
    void namesWhatIsDamagedAndWhere(String hex, long at, String problem) {
        ByteBuffer source = ByteBuffer.allocate(64).position(7);
        source.put(HexFormat.of().parseHex(hex.replace(" ", "")))
                .limit(source.position())
                .position(7);
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> ValueCodec.decode(source, FILE, 1000))
                .withMessageContaining(problem)
                .satisfies(e -> assertThat(e.offset()).isEqualTo(1000 + at))
                .satisfies(e -> assertThat(e.resource()).isEqualTo(FILE));
        assertThat(source.position()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({
        "00000000 00000000000000",
        "00000001 00000000 01 00000000000000",
        "00000001 00000000 02 0000000000000000",
        "00000001 000000",
        "00000002 0000000000000000",
        "00000001 00000009 0000000000000000",
        "00000001 00000008 0000000000000002 78 01 01",
        "000000",
    })
    void doesNotGuessWhetherDamageInitialises(String hex) {
        ByteBuffer source = ByteBuffer.wrap(HexFormat.of().parseHex(hex.replace(" ", "")));
        assertThatExceptionOfType(CorruptionException.class).isThrownBy(() -> ValueCodec.willInit(source, FILE, 0));
    }

    @Test
    void theTestRecordChangesAText() {
        assertThat(WalRecord.Test.append("b").apply("a")).isEqualTo("ab");
        assertThat(WalRecord.Test.init("b").apply("a")).isEqualTo("b");
        assertThat(WalRecord.Test.init("b").willInit()).isTrue();
        assertThat(new WalRecord.Test("b", false, false, "a").apply("a")).isEqualTo("ab");
        assertThatIllegalStateException().isThrownBy(() -> new WalRecord.Test("b", false, false, "c").apply("a"));
    }

    private static byte[] encode(Value value) {
        ByteBuffer target = ByteBuffer.allocate(ValueCodec.encodedSize(value));
        ValueCodec.encode(value, target);
        assertThat(target.hasRemaining()).isFalse();
        return target.array();
    }
}
