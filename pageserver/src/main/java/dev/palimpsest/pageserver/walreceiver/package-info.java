/**
 * Follows a PostgreSQL: receives its WAL, and sees that every record is taken in once, in order, and that the primary hears
 * what is safe. Must not know what records mean.
 */
@NullMarked
package dev.palimpsest.pageserver.walreceiver;

import org.jspecify.annotations.NullMarked;
