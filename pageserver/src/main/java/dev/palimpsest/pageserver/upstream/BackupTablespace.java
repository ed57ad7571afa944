package dev.palimpsest.pageserver.upstream;

/**
 * A tablespace in a base backup.
 *
 * @param oid its OID, unsigned; 0 for the data directory itself
 * @param location its directory on the server; empty for the data directory
 * @param estimatedKib about how large it is, in KiB; -1 if the server does not say
 */
public record BackupTablespace(int oid, String location, long estimatedKib) {}
