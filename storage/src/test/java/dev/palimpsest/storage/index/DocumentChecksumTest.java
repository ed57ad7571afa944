package dev.palimpsest.storage.index;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.TimelineId;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class DocumentChecksumTest {
    private static final long SEED = 0xC4EC;

    /** Reads a document. */
    interface Decode {
        void decode(byte[] bytes) throws CorruptionException;
    }

    static Stream<Arguments> documents() {
        TenantManifest manifest = TenantManifest.EMPTY.with(new TenantManifest.Life(
                "0123456789abcdef0123456789abcdef",
                new TreeMap<>(Map.of(new TimelineId(1, 2), new Generation(3), new TimelineId(4, 5), Generation.NONE))));
        Decode index = bytes -> IndexPartCodec.decode(bytes, "index_part.json-00000001");
        Decode tenant = bytes -> TenantManifestCodec.decode(bytes, "tenant-manifest-00000001.json");
        Decode generations = bytes -> GenerationsCodec.decode(bytes, "generations.json");
        return Stream.of(
                Arguments.of("index part", indexPart(), index),
                Arguments.of("manifest", TenantManifestCodec.encode(manifest), tenant),
                Arguments.of("generations", GenerationsCodec.encode(new Generation(7)), generations));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("documents")
    void everyFlippedBitIsFound(String what, byte[] document, Decode decode) throws CorruptionException {
        decode.decode(document);
        for (int bit = 0; bit < 8 * document.length; bit++) {
            byte[] damaged = document.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            expectFound(decode, damaged, what + ", bit " + bit);
        }
    }

    private static byte[] indexPart() {
        try {
            return IndexPartCodec.encode(IndexPartCodec.decode(IndexPartCodecTest.file(7), "version 7"));
        } catch (CorruptionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Without AssertJ's own, which takes ten times as long. */
    private static void expectFound(Decode decode, byte[] damaged, String what) {
        try {
            decode.decode(damaged);
        } catch (CorruptionException e) {
            if (e.offset() < 0 || e.offset() > damaged.length) {
                throw new AssertionError(what + ": offset " + e.offset(), e);
            }
            return;
        }
        throw new AssertionError(what + " was read: " + new String(damaged, StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("documents")
    void otherBytesInARowAreFound(String what, byte[] document, Decode decode) {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int run = 0; run < 1_000; run++) {
            byte[] damaged = document.clone();
            int at = random.nextInt(document.length - 3);
            boolean same = true;
            for (int i = at; i < at + 4; i++) {
                damaged[i] = random.nextBoolean() ? document[i] : (byte) (' ' + random.nextInt(95));
                same &= damaged[i] == document[i];
            }
            if (!same) {
                expectFound(decode, damaged, what + ", run " + run + " of seed " + SEED);
            }
        }
    }

    @Test
    void whiteSpaceThatWasNotWrittenIsFound() {
        String document = new String(GenerationsCodec.encode(new Generation(7)), StandardCharsets.UTF_8);
        for (String other : new String[] {document + "\n", " " + document, document.replace(",", ", ")}) {
            assertThatThrownBy(
                            () -> GenerationsCodec.decode(other.getBytes(StandardCharsets.UTF_8), "generations.json"))
                    .isInstanceOf(CorruptionException.class)
                    .hasMessageContaining("generations.json")
                    .hasMessageContaining("checksum");
        }
    }
}
