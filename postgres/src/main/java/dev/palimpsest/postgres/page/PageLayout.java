package dev.palimpsest.postgres.page;

/** The dimensions of a page, as PostgreSQL is built by default ({@code BLCKSZ}). */
public final class PageLayout {
    /** Bytes in a page. */
    public static final int PAGE_SIZE = 8192;

    private PageLayout() {}
}
