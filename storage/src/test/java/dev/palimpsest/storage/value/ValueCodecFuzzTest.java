package dev.palimpsest.storage.value;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Tag;

/** Bytes that cover ever more of the decoder. */
@Tag("fuzz")
class ValueCodecFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAValueOrCorruption(byte[] bytes) {
        ValueCodecProbe.decodes(bytes);
    }
}
