package dev.palimpsest.pageserver.tenant;

/**
 * How full a server is.
 *
 * @param localBytes how large the layer files are that are on the local disk
 * @param freeBytes the room that its file system has
 * @param wantedBytes how large they were if all layers of all attached tenants were on it
 * @param tenants how many there are, attached or secondary
 */
public record Utilization(long localBytes, long freeBytes, long wantedBytes, int tenants) {}
