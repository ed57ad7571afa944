package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectKeyTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "/a",
                "a/",
                "a//b",
                ".",
                "..",
                "a/..",
                "../a",
                "a/../b",
                "a/.",
                "./a",
                ".tmp/x",
                "a/.hidden",
                "a b",
                "a\\b",
                "a\nb",
                "a\u0000",
                "\u00fc",
                "a\u007f"
            })
    void refused(String key) {
        assertThat(ObjectKey.isKey(key)).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ObjectKey(key))
                .withMessageContaining("object key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a/b", "tenants/x/index_part.json-00000001", "a..b", "a.", "~!*()=+,@:'"})
    void accepted(String key) {
        assertThat(new ObjectKey(key).value()).isEqualTo(key);
    }

    @Test
    void lengthsAreBounded() {
        String part = "x".repeat(ObjectKey.MAX_PART_LENGTH);
        assertThat(ObjectKey.isKey(part)).isTrue();
        assertThat(ObjectKey.isKey(part + "x")).isFalse();
        assertThat(ObjectKey.isKey("a/" + part + "/" + part)).isTrue();
        String longest = (part + "/").repeat(4).substring(0, 1023) + "x";
        assertThat(ObjectKey.isKey(longest)).isFalse();
        assertThat(ObjectKey.isKey((part + "/").repeat(3) + part)).isTrue();
        assertThat(ObjectKey.isKey((part + "/").repeat(4) + "x")).isFalse();
    }
}
