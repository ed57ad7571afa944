package dev.palimpsest.storage.day;

import java.time.Duration;

/**
 * What the store took at a moment of the day.
 *
 * @param at how long after the start
 * @param walBytes written until then, on all timelines
 * @param timelines how many there were
 * @param residentBytes of layer files on the local disk
 * @param diskBytes of all files on the local disk
 * @param bucketBytes of all objects
 * @param objects how many there were
 * @param layers of all timelines
 * @param readP50 layers that half of the pages lie under at most, from the newest to the first image
 * @param readP99 layers that 99 of 100 pages lie under at most
 * @param memoryBytes what grows with what the store has: values that are in no layer file yet, and what index parts say
 * @param tracked how many timelines background work remembers something of, and how many numbers the metrics have
 */
public record DaySample(
        Duration at,
        long walBytes,
        int timelines,
        long residentBytes,
        long diskBytes,
        long bucketBytes,
        int objects,
        int layers,
        int readP50,
        int readP99,
        long memoryBytes,
        int tracked) {}
