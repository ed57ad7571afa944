/**
 * Turns WAL records and base backups into keys and values. Decoding and interpreting ({@code WalInterpreter}) need no
 * timeline and run ahead; applying ({@code ClusterWriter}) reads and changes what the timeline has. Must not know where the
 * WAL comes from.
 */
@NullMarked
package dev.palimpsest.pageserver.ingest;

import org.jspecify.annotations.NullMarked;
