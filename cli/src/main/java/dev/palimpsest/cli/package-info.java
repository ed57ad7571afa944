/** The {@code palimpsest} command: one class per command. Everything it does, it does through the modules below it. */
@NullMarked
package dev.palimpsest.cli;

import org.jspecify.annotations.NullMarked;
