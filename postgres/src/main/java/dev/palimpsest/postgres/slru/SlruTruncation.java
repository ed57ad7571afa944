package dev.palimpsest.postgres.slru;

/** Files are deleted. Never parts of one. */
public sealed interface SlruTruncation extends SlruChange {
    /** Whether the file with this number is deleted, if it is there. */
    boolean deletes(int segment);

    /** Files whose pages are all older than a page. */
    record Before(SlruPage page) implements SlruTruncation {
        @Override
        public SlruKind kind() {
            return page.kind();
        }

        @Override
        public boolean deletes(int segment) {
            int first = segment * SlruKind.PAGES_PER_SEGMENT;
            return kind().precedes(first, page.pageNumber())
                    && kind().precedes(first + SlruKind.PAGES_PER_SEGMENT - 1, page.pageNumber());
        }
    }

    /** Files from one (inclusive) to another (exclusive), on past the last to the first if that is less. */
    record Range(SlruKind kind, int fromSegment, int toSegment) implements SlruTruncation {
        @Override
        public boolean deletes(int segment) {
            return fromSegment <= toSegment
                    ? segment >= fromSegment && segment < toSegment
                    : segment >= fromSegment || segment < toSegment;
        }
    }

    /** All files. */
    record All(SlruKind kind) implements SlruTruncation {
        @Override
        public boolean deletes(int segment) {
            return true;
        }
    }
}
