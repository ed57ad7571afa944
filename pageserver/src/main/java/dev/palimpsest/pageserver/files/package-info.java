/** Small local files that are replaced as a whole: what a server must not forget and the object store does not have. */
@NullMarked
package dev.palimpsest.pageserver.files;

import org.jspecify.annotations.NullMarked;
