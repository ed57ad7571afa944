/**
 * One server at a time on an object store that cannot decide that by conditions: who has it says so in an object, again and
 * again, and stops when somebody else says so. Weaker than conditions; how much stands in {@link
 * dev.palimpsest.storage.remote.owner.OwnedObjectStore}.
 */
@NullMarked
package dev.palimpsest.storage.remote.owner;

import org.jspecify.annotations.NullMarked;
