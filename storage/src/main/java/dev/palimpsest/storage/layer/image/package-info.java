/**
 * Image layer files: the image of every key of a range at one LSN. Knows nothing of the layer map.
 */
@NullMarked
package dev.palimpsest.storage.layer.image;

import org.jspecify.annotations.NullMarked;
