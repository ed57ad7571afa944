/**
 * What a request is (who asks, for what, until when), what it may wait for, in turn with other tenants or not, which arrays it
 * may read pages into, and how things that serve requests are shut down in order. Knows nothing of keys, layers or files.
 */
@NullMarked
package dev.palimpsest.storage.context;

import org.jspecify.annotations.NullMarked;
