/**
 * Talks to a PostgreSQL that sends its WAL: connects as libpq's users expect, takes a base backup, streams. Must not know
 * what becomes of the bytes.
 */
@NullMarked
package dev.palimpsest.pageserver.upstream;

import org.jspecify.annotations.NullMarked;
