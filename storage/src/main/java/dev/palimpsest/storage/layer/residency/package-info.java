/**
 * Layers that are files, of both kinds: resident while the file is here, remote while only the object store has it. A layer
 * that is read while it is remote is downloaded, once however many ask; one that is in the object store can be evicted. Knows
 * nothing of object stores, nor of what is worth evicting.
 */
@NullMarked
package dev.palimpsest.storage.layer.residency;

import org.jspecify.annotations.NullMarked;
