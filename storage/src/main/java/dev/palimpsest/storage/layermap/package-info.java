/**
 * Which layers a timeline has, and which of them a read at an LSN must look at: immutable snapshots, swapped by one writer.
 * Knows layers by their extent only; does no I/O.
 */
@NullMarked
package dev.palimpsest.storage.layermap;

import org.jspecify.annotations.NullMarked;
