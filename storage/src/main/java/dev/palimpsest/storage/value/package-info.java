/**
 * What a key has at an LSN: a page image or a WAL record, and the bytes of both. Knows nothing of what a record means.
 */
@NullMarked
package dev.palimpsest.storage.value;

import org.jspecify.annotations.NullMarked;
