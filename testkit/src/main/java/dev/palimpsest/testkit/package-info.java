/** Real PostgreSQL servers for tests: unmodified binaries of every supported major version, started as they would be. */
@NullMarked
package dev.palimpsest.testkit;

import org.jspecify.annotations.NullMarked;
