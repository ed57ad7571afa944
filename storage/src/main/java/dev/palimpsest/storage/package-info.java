/**
 * The storage engine: takes page versions in, keeps them in layers, gives any key back at any LSN. It does not know what
 * a WAL record means: it asks the {@link dev.palimpsest.storage.WalRedo} it is given. It takes its clock, randomness,
 * files, object store and tasks from outside ({@link dev.palimpsest.storage.runtime}), so that a simulation can run all
 * of it in one thread from one seed.
 *
 * <p>This package holds what every other one may need: the family of {@link dev.palimpsest.storage.StorageException}s
 * the ids of tenants and timelines, and the redo port.
 */
@NullMarked
package dev.palimpsest.storage;

import org.jspecify.annotations.NullMarked;
