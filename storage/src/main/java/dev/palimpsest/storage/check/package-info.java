/**
 * Walks an object store and says whether everything is there that a server would want: claims, manifests, index parts, layers;
 * and what is there that nobody wants. Only reads, and may run beside a server: what came or went meanwhile is looked at again
 * before it is called a problem.
 */
@NullMarked
package dev.palimpsest.storage.check;

import org.jspecify.annotations.NullMarked;
