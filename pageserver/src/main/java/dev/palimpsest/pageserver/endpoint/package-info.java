/** PostgreSQL's programs: finds or fetches them, and runs servers with them. Must not know branches. */
@NullMarked
package dev.palimpsest.pageserver.endpoint;

import org.jspecify.annotations.NullMarked;
