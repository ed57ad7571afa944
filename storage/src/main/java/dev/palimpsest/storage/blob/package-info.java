/**
 * Blobs in a file: a length, perhaps compression, and the bytes; how to write them one after the other and how to read many
 * of them with few reads. Knows nothing of keys, layers or what is in a blob.
 */
@NullMarked
package dev.palimpsest.storage.blob;

import org.jspecify.annotations.NullMarked;
