/**
 * Local files: the only package, with {@code remote.local}, that opens any. Write-once small files, append-only writers
 * that own their buffers, positioned reads, a limit on open files, buffered or direct I/O. Knows nothing of what is in them.
 */
@NullMarked
package dev.palimpsest.storage.file;

import org.jspecify.annotations.NullMarked;
