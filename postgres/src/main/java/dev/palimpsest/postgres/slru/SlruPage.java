package dev.palimpsest.postgres.slru;

/**
 * Which page of which kind.
 *
 * @param kind whose page
 * @param pageNumber its number, 0 (inclusive) to {@link SlruKind#pageCount} (exclusive)
 */
public record SlruPage(SlruKind kind, int pageNumber) {
    /** @throws IllegalArgumentException if there can be no such page */
    public SlruPage {
        if (pageNumber < 0 || pageNumber >= kind.pageCount()) {
            throw new IllegalArgumentException(kind + " has no page " + pageNumber);
        }
    }

    /** The page with this entry, unsigned. */
    public static SlruPage of(SlruKind kind, int entry) {
        return new SlruPage(kind, kind.pageOf(entry));
    }

    /** The number of its file. */
    public int segment() {
        return SlruKind.segmentOf(pageNumber);
    }

    /** Its file's path under the data directory: {@code pg_xact/0000}. */
    public String path() {
        return kind.directory() + "/" + SlruKind.segmentName(segment());
    }

    /** Where in its file it begins, in bytes. */
    public int offsetInSegment() {
        return SlruKind.offsetInSegment(pageNumber);
    }

    /** {@code pg_xact page 7}. */
    @Override
    public String toString() {
        return kind.directory() + " page " + pageNumber;
    }
}
