/**
 * A PostgreSQL page: its layout, and how to look at it. Knows nothing of WAL records, files or where a page comes from.
 */
@NullMarked
package dev.palimpsest.postgres.page;

import org.jspecify.annotations.NullMarked;
