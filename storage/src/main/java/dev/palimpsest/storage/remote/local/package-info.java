/**
 * A directory as an object store: the embedded default. Works through {@link dev.palimpsest.storage.file.Disk}.
 */
@NullMarked
package dev.palimpsest.storage.remote.local;

import org.jspecify.annotations.NullMarked;
