package dev.palimpsest.storage.index;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Tag;

/** Bytes that cover ever more of the reader of index parts. */
@Tag("fuzz")
class IndexPartCodecFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAnIndexPartOrCorruption(byte[] bytes) {
        IndexPartMutationTest.decodes(bytes, "fuzzed");
    }

    /** A good file with some of its bytes replaced: what no guess from nothing comes to in time. */
    @FuzzTest(maxDuration = "30s")
    void aChangedIndexPartIsAnIndexPartOrCorruption(byte[] changes) {
        byte[] bytes = IndexPartCodecTest.file(IndexPartCodec.VERSION);
        for (int i = 0; i + 2 < changes.length; i += 3) {
            int at = ((changes[i] & 0xFF) << 8 | (changes[i + 1] & 0xFF)) % bytes.length;
            bytes[at] = changes[i + 2];
        }
        IndexPartMutationTest.decodes(bytes, "fuzzed");
    }
}
