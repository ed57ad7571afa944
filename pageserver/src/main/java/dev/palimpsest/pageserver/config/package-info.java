/**
 * The server's configuration: which settings there are, in {@link Settings}, and how a file of them is read, checked and
 * described. Must not know what the settings do.
 */
@NullMarked
package dev.palimpsest.pageserver.config;

import org.jspecify.annotations.NullMarked;
