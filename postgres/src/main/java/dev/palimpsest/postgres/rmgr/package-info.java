/**
 * What the records mean: the resource managers, the types of their records in each version, and typed payloads. One
 * class for each resource manager; what differs between versions is a condition in it.
 *
 * <p>To add a resource manager: a sealed interface of records {@code HeapRecord} with a static {@code decode(WalRecord)}
 * and a {@code toString} that describes each, and its line in
 * {@link dev.palimpsest.postgres.rmgr.RecordDescriber}. {@link dev.palimpsest.postgres.rmgr.XlogRecord} shows how.
 */
@NullMarked
package dev.palimpsest.postgres.rmgr;

import org.jspecify.annotations.NullMarked;
