package dev.palimpsest.storage.value;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A change of a value: what a {@link dev.palimpsest.storage.WalRedo} applies to an older one. Apart from {@link Postgres}
 * these are made at ingest, where one WAL record changes keys that are not blocks of a relation. Numbers that PostgreSQL
 * has as unsigned 32-bit integers are to be read as such.
 */
public sealed interface WalRecord extends Value {
    /** Of these records only {@link Postgres} and {@link Test} can build a value from nothing. */
    @Override
    default boolean willInit() {
        return false;
    }

    /**
     * A record as PostgreSQL wrote it.
     *
     * @param willInit whether the record builds the page anew, so that nothing older is needed
     * @param record all of the record, header included; not to be changed
     */
    record Postgres(boolean willInit, byte[] record) implements WalRecord {
        @Override
        public boolean equals(Object other) {
            return other instanceof Postgres postgres
                    && willInit == postgres.willInit
                    && Arrays.equals(record, postgres.record);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(record) + Boolean.hashCode(willInit);
        }

        @Override
        public String toString() {
            return "Postgres[willInit=" + willInit + ", " + record.length + " bytes]";
        }
    }

    /**
     * Clears bits in a page of a visibility map, for one or two heap blocks.
     *
     * @param newHeapBlock the block that got the new version of a row
     * @param oldHeapBlock the block that had the old one
     * @param flags which bits, 0 to 255: PostgreSQL's {@code VISIBILITYMAP_*}
     */
    record ClearVisibilityMapFlags(OptionalInt newHeapBlock, OptionalInt oldHeapBlock, int flags) implements WalRecord {
        /** @throws IllegalArgumentException if the flags do not fit a byte */
        public ClearVisibilityMapFlags {
            if (flags < 0 || flags > 0xFF) {
                throw new IllegalArgumentException("not the flags of a visibility map: " + flags);
            }
        }
    }

    /**
     * Marks transactions of one page of {@code pg_xact} committed.
     *
     * @param xids the transactions; not to be changed
     * @param commitTime microseconds since 2000-01-01 00:00 UTC, PostgreSQL's {@code TimestampTz}
     */
    record ClogSetCommitted(int[] xids, long commitTime) implements WalRecord {
        @Override
        public boolean equals(Object other) {
            return other instanceof ClogSetCommitted commit
                    && commitTime == commit.commitTime
                    && Arrays.equals(xids, commit.xids);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(xids) + Long.hashCode(commitTime);
        }

        @Override
        public String toString() {
            return "ClogSetCommitted[xids=" + unsigned(xids) + ", commitTime=" + commitTime + "]";
        }
    }

    /**
     * Marks transactions of one page of {@code pg_xact} aborted.
     *
     * @param xids the transactions; not to be changed
     */
    record ClogSetAborted(int[] xids) implements WalRecord {
        @Override
        public boolean equals(Object other) {
            return other instanceof ClogSetAborted abort && Arrays.equals(xids, abort.xids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(xids);
        }

        @Override
        public String toString() {
            return "ClogSetAborted[xids=" + unsigned(xids) + "]";
        }
    }

    /**
     * Says where the members of a multixact start.
     *
     * @param multixact its id
     * @param memberOffset the number of its first member
     */
    record MultixactOffsetCreate(int multixact, int memberOffset) implements WalRecord {}

    /**
     * Writes members of a multixact.
     *
     * @param memberOffset the number of the first one
     * @param members the members, one after the other
     */
    record MultixactMembersCreate(int memberOffset, List<MultixactMember> members) implements WalRecord {
        /** Keeps a copy of the list. */
        public MultixactMembersCreate {
            members = List.copyOf(members);
        }
    }

    /**
     * A transaction in a multixact.
     *
     * @param xid the transaction
     * @param status PostgreSQL's {@code MultiXactStatus}
     */
    record MultixactMember(int xid, int status) {}

    /**
     * Writes or removes an auxiliary file in the value that once held all of them. Old versions of Neon wrote it.
     *
     * @param path relative to the data directory
     * @param content the file, not to be changed; null if it is removed
     */
    record AuxFile(String path, byte @Nullable [] content) implements WalRecord {
        @Override
        public boolean equals(Object other) {
            return other instanceof AuxFile file && path.equals(file.path) && Arrays.equals(content, file.content);
        }

        @Override
        public int hashCode() {
            return 31 * path.hashCode() + Arrays.hashCode(content);
        }

        @Override
        public String toString() {
            return "AuxFile[" + path + ", " + (content == null ? "removed" : content.length + " bytes") + "]";
        }
    }

    /**
     * Clears the end of a page of a visibility map.
     *
     * @param truncByte the first byte of the map on the page to be cleared, unsigned
     * @param truncOffset the first bit to be cleared in the byte before it, unsigned
     */
    record TruncateVisibilityMap(long truncByte, long truncOffset) implements WalRecord {}

    /**
     * A change of a text, to test the store without PostgreSQL.
     *
     * @param append what is added to the text
     * @param clear whether the text is emptied first
     * @param willInit whether nothing older is needed; then also {@code clear}
     * @param onlyIf what the text must be for the change to be made; null if it may be anything
     */
    record Test(
            String append,
            boolean clear,
            boolean willInit,
            @Nullable String onlyIf) implements WalRecord {
        /** Adds to the text. */
        public static Test append(String text) {
            return new Test(text, false, false, null);
        }

        /** Makes it this text, whatever it was. */
        public static Test init(String text) {
            return new Test(text, true, true, null);
        }

        /**
         * The text after the change.
         *
         * @throws IllegalStateException if {@code text} is not what it must be
         */
        public String apply(String text) {
            if (onlyIf != null && !Objects.equals(onlyIf, text)) {
                throw new IllegalStateException("expected \"" + onlyIf + "\", found \"" + text + "\"");
            }
            return clear ? append : text + append;
        }
    }

    private static String unsigned(int[] numbers) {
        return Arrays.stream(numbers)
                .mapToObj(Integer::toUnsignedString)
                .toList()
                .toString();
    }
}
