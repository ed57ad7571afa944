/**
 * What a data directory consists of, as paths and bytes: where a relation's files are, the directories that must be there,
 * timeline histories, replication origins, configuration files, and the WAL of a server that was shut down. The caller
 * writes them.
 */
@NullMarked
package dev.palimpsest.postgres.datadir;

import org.jspecify.annotations.NullMarked;
