package dev.palimpsest.postgres.slru;

/** A change to pages outside of relations: to one page, or to whole files. */
public sealed interface SlruChange permits SlruUpdate, SlruTruncation {
    /** Whose pages. */
    SlruKind kind();
}
