/**
 * The layers that take writes: an ephemeral file and an index in memory, frozen when big or old enough and then written out
 * as delta layers. Knows nothing of the layer map or of timelines.
 */
@NullMarked
package dev.palimpsest.storage.layer.memory;

import org.jspecify.annotations.NullMarked;
