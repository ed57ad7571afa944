/** What a cluster as a whole has come to at a place in the WAL: its counters, followed record by record. */
@NullMarked
package dev.palimpsest.postgres.cluster;

import org.jspecify.annotations.NullMarked;
