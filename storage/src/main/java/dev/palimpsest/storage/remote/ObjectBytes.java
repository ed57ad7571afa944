package dev.palimpsest.storage.remote;

/**
 * A whole object, read.
 *
 * @param info of the content that was read
 * @param bytes the content; belongs to the receiver
 */
public record ObjectBytes(ObjectInfo info, byte[] bytes) {}
