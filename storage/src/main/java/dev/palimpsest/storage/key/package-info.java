/**
 * Keys of the store, ranges and sets of them, and where PostgreSQL's relations and SLRUs lie among them. Knows nothing of
 * values, layers or files.
 */
@NullMarked
package dev.palimpsest.storage.key;

import org.jspecify.annotations.NullMarked;
