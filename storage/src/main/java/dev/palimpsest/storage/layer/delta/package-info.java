/**
 * Delta layer files: every version of a range of keys within a range of LSNs. Knows nothing of the layer map.
 */
@NullMarked
package dev.palimpsest.storage.layer.delta;

import org.jspecify.annotations.NullMarked;
