/** Benchmarks of whole paths through the engine, run by {@code palimpsest bench}, and JMH benchmarks of its parts. */
@NullMarked
package dev.palimpsest.benchmarks;

import org.jspecify.annotations.NullMarked;
