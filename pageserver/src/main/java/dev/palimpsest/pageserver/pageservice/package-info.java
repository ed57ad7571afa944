/**
 * The page service: pages, relation lengths and SLRU segments at an LSN for clients that speak PostgreSQL's protocol with
 * Neon's commands in it. Knows messages, connections and limits; what a timeline holds it asks for through {@link
 * dev.palimpsest.pageserver.pageservice.ServedTimelines}. Must not know how branches are made, or where WAL comes from.
 */
@NullMarked
package dev.palimpsest.pageserver.pageservice;

import org.jspecify.annotations.NullMarked;
