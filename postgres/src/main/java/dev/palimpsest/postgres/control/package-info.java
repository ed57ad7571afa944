/** What PostgreSQL keeps about a cluster as a whole: checkpoints and the control file. */
@NullMarked
package dev.palimpsest.postgres.control;

import org.jspecify.annotations.NullMarked;
