/**
 * Who may do what, and how connections are encrypted: tokens and the keys that verify them, what a caller may do, the server's
 * certificate. Must not know which interfaces there are.
 */
@NullMarked
package dev.palimpsest.pageserver.security;

import org.jspecify.annotations.NullMarked;
