/**
 * Branches with names: attaching a PostgreSQL, branching, finding an LSN by time, booting a PostgreSQL on a branch. What the
 * management API and the command do, they do here. Must not know HTTP or terminals.
 */
@NullMarked
package dev.palimpsest.pageserver.branch;

import org.jspecify.annotations.NullMarked;
