/** The server as a whole: puts the parts together, starts and ends them. The only place that knows all of them. */
@NullMarked
package dev.palimpsest.pageserver;

import org.jspecify.annotations.NullMarked;
