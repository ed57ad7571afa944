/**
 * The object store: the port ({@link dev.palimpsest.storage.remote.ObjectStore}, where the contract stands), the paths of
 * what is kept there, and wrappers of the port. Knows nothing of layers' contents.
 */
@NullMarked
package dev.palimpsest.storage.remote;

import org.jspecify.annotations.NullMarked;
