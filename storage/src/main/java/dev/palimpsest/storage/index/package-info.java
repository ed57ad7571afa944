/**
 * The index part: the durable state of a timeline as one JSON object. Knows its form, versions and rules; not where it is kept.
 */
@NullMarked
package dev.palimpsest.storage.index;

import org.jspecify.annotations.NullMarked;
