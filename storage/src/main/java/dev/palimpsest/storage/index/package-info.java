/**
 * The index part and the tenant manifest: the durable state of a timeline and of a tenant, each as one JSON object. Knows their
 * forms, versions and rules; not where they are kept.
 */
@NullMarked
package dev.palimpsest.storage.index;

import org.jspecify.annotations.NullMarked;
