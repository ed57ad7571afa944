package dev.palimpsest.storage.runtime;

import java.util.random.RandomGenerator;

/**
 * What the engine takes from outside besides files and objects.
 *
 * @param clock the time
 * @param tasks who runs what is to run beside the caller
 * @param random unpredictable in production, seeded in a simulation; used by one thread at a time
 */
public record Environment(Clock clock, Tasks tasks, RandomGenerator random) {}
