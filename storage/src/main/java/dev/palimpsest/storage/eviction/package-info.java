/** Which layers leave the local disk, so that it stays below its limits: a planner, and a background task that follows it. */
@NullMarked
package dev.palimpsest.storage.eviction;

import org.jspecify.annotations.NullMarked;
