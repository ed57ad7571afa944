/** The files in which PostgreSQL keeps what concerns a cluster as a whole: control file, relation maps, prepared state. */
@NullMarked
package dev.palimpsest.postgres.control;

import org.jspecify.annotations.NullMarked;
