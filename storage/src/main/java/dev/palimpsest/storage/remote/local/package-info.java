/**
 * A directory as an object store: the embedded default.
 */
@NullMarked
package dev.palimpsest.storage.remote.local;

import org.jspecify.annotations.NullMarked;
