/** Checks of whole layer files, for the command line, for scrubbing and for tests. */
@NullMarked
package dev.palimpsest.storage.layer.verify;

import org.jspecify.annotations.NullMarked;
