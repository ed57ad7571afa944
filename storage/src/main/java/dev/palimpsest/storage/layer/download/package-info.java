/** Brings layer files from the object store to the local disk, and lets nothing through that is damaged. */
@NullMarked
package dev.palimpsest.storage.layer.download;

import org.jspecify.annotations.NullMarked;
