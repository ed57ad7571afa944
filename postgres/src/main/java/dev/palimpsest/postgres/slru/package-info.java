/**
 * What PostgreSQL keeps about transactions in plain pages, outside of relations: the commit log, multixacts and commit
 * timestamps, its "simple LRU" files. Which of these pages a WAL record changes, and how, page by page.
 *
 * <p>These pages have no header, LSN or checksum: 8192 bytes of entries. So a page does not say which records it has seen;
 * who applies changes must apply all of them in the order of the WAL. Start at {@link dev.palimpsest.postgres.slru.SlruChanges}.
 */
@NullMarked
package dev.palimpsest.postgres.slru;

import org.jspecify.annotations.NullMarked;
