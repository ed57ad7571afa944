/**
 * What a cluster has, read out of a timeline at an LSN: databases, relations and their lengths, SLRU segments, prepared
 * transactions, configuration files ("pgdatadir mapping"); and the bytes in which the listings are kept. Must not know how
 * they change.
 */
@NullMarked
package dev.palimpsest.pageserver.relation;

import org.jspecify.annotations.NullMarked;
