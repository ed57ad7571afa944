/** How much of a branch's history is kept, why, and who may still read below that. Decides; what goes is removed elsewhere. */
@NullMarked
package dev.palimpsest.pageserver.retention;

import org.jspecify.annotations.NullMarked;
