/**
 * Redo: what a WAL record does to a page. {@link dev.palimpsest.postgres.redo.PageRedo} decides, per block, whether the
 * page takes an image, is made anew, needs the change or has it already; a
 * {@link dev.palimpsest.postgres.redo.RmgrRedo} then makes the change.
 * {@link dev.palimpsest.postgres.redo.ConsistencyCheck} compares the result with what PostgreSQL put into the record.
 *
 * <p>To add a resource manager: a class {@code HeapRedo} that implements
 * {@link dev.palimpsest.postgres.redo.RmgrRedo}, and its line in {@code RedoRegistry}.
 */
@NullMarked
package dev.palimpsest.postgres.redo;

import org.jspecify.annotations.NullMarked;
