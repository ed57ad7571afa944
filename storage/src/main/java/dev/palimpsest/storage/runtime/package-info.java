/**
 * The world outside as the engine sees it: a clock, randomness, tasks, and waiting. The one place with real threads and a real
 * clock is {@link dev.palimpsest.storage.runtime.VirtualThreadTasks} and {@link dev.palimpsest.storage.runtime.SystemClock}; a simulation replaces both. Knows nothing of files, keys or layers.
 */
@NullMarked
package dev.palimpsest.storage.runtime;

import org.jspecify.annotations.NullMarked;
