/**
 * Tests of the whole store: a deterministic WAL and a plain model of what every key has at every LSN
 * ({@link dev.palimpsest.storage.store.History}), run against timelines in the simulation, under random use, crashes and faults,
 * and in real processes that are killed.
 */
@NullMarked
package dev.palimpsest.storage.store;

import org.jspecify.annotations.NullMarked;
