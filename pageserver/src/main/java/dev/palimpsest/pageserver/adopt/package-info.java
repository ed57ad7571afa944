/**
 * Base backups and WAL archives as files: reads them where they lie, checks that they fit together and are whole, and makes one
 * stream of them for a server to adopt. Must not know how a server takes that in.
 */
@NullMarked
package dev.palimpsest.pageserver.adopt;

import org.jspecify.annotations.NullMarked;
