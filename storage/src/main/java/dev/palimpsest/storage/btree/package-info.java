/**
 * The immutable B-tree on disk that indexes the blobs of a layer file: built once in key order, then only read. Knows
 * nothing of layers; its keys are byte strings of one length and its values 40-bit integers.
 */
@NullMarked
package dev.palimpsest.storage.btree;

import org.jspecify.annotations.NullMarked;
