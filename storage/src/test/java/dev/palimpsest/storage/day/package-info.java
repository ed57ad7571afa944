/**
 * A day of mixed work on the whole store, in simulated time, and what the store takes of disk, bucket and memory meanwhile: it
 * must not grow. {@link dev.palimpsest.storage.day.SimulatedDay} runs it; {@code bench day} prints and draws what it measures.
 */
@NullMarked
package dev.palimpsest.storage.day;

import org.jspecify.annotations.NullMarked;
