/**
 * What a layer is: a rectangle of keys and LSNs that holds every version written in it; its name, and what a read gathers
 * from a stack of them. Knows nothing of which layers there are.
 */
@NullMarked
package dev.palimpsest.storage.layer;

import org.jspecify.annotations.NullMarked;
