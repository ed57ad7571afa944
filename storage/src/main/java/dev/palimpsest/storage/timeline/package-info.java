/**
 * One history: the write path (open layer, freeze, flush), the read path (layer map, ancestors, redo), its LSNs and who waits
 * for them, and the set of a tenant's timelines.
 */
@NullMarked
package dev.palimpsest.storage.timeline;

import org.jspecify.annotations.NullMarked;
