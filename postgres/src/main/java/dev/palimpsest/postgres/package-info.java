/**
 * PostgreSQL's own formats and protocols, versions 14 to 18: bytes in, values out. This module opens no file and no
 * socket, starts no thread, reads no clock and writes no log, and it does not know that Palimpsest exists: there is no
 * key, layer, timeline or tenant in it.
 *
 * <p>This package holds the few types that every other one speaks in, the {@link dev.palimpsest.postgres.Lsn} first.
 */
@NullMarked
package dev.palimpsest.postgres;

import org.jspecify.annotations.NullMarked;
