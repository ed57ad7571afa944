package dev.palimpsest.storage.value;

import java.util.Arrays;

/** What a key has at an LSN. Immutable; the arrays inside are not to be changed. Equal if the contents are. */
public sealed interface Value permits Value.Image, WalRecord {
    /** Whether reading a key may stop here: nothing older is needed to rebuild it. */
    boolean willInit();

    /**
     * The whole value: a page, or whatever a key that is not a page holds.
     *
     * @param bytes not to be changed
     */
    record Image(byte[] bytes) implements Value {
        @Override
        public boolean willInit() {
            return true;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Image image && Arrays.equals(bytes, image.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return "Image[" + bytes.length + " bytes]";
        }
    }
}
