/**
 * JMH benchmarks of parts of the engine, run by {@code palimpsest bench jmh}. A class here with a method that is a
 * {@code Benchmark} is found by that; nothing else need name it.
 */
@NullMarked
package dev.palimpsest.benchmarks.jmh;

import org.jspecify.annotations.NullMarked;
