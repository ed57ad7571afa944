/**
 * Makes a data directory that an unmodified PostgreSQL boots from, out of a cluster as of one LSN ({@link ClusterAt}), for
 * whoever takes its files: a directory on disk, or a tar stream. Must not know where the cluster's pages come from, nor
 * start PostgreSQL.
 */
@NullMarked
package dev.palimpsest.pageserver.datadir;

import org.jspecify.annotations.NullMarked;
