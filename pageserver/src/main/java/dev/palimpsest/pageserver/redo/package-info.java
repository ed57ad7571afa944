/** Makes a page out of an image and the records after it, for the storage engine: its {@code WalRedo}. */
@NullMarked
package dev.palimpsest.pageserver.redo;

import org.jspecify.annotations.NullMarked;
