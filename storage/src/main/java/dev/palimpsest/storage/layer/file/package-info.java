/**
 * What the files of delta and image layers have in common: the summary in their first block, the checksums of the others, how
 * such a file is written so that no crash leaves half of one, and how it is opened and read. Knows nothing of what the
 * index's keys and the blobs mean.
 */
@NullMarked
package dev.palimpsest.storage.layer.file;

import org.jspecify.annotations.NullMarked;
