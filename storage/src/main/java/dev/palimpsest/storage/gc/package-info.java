/** Drops layers that nothing retained needs any more: which, is decided without I/O, and then carried out. */
@NullMarked
package dev.palimpsest.storage.gc;

import org.jspecify.annotations.NullMarked;
