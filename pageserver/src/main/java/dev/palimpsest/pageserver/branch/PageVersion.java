package dev.palimpsest.pageserver.branch;

import dev.palimpsest.postgres.Lsn;

/**
 * Something that happened to a page.
 *
 * @param lsn when
 * @param description the WAL record in a line, or that it is an image
 * @param bytes the size of what is stored of it
 * @param image whether it is, or makes, the whole page
 */
public record PageVersion(Lsn lsn, String description, int bytes, boolean image) {}
