/**
 * The write-ahead log as bytes: segments and pages, records that run across them, the references to blocks in a record
 * and the page images they carry. What a record means to a page is for {@code rmgr} and {@code redo}.
 *
 * <p>{@link dev.palimpsest.postgres.wal.WalStreamDecoder} takes the stream as it arrives;
 * {@link dev.palimpsest.postgres.wal.RecordDecoder} decodes one record that is kept somewhere else. Both fill a
 * {@link dev.palimpsest.postgres.wal.WalRecord}, which is used again for each record.
 */
@NullMarked
package dev.palimpsest.postgres.wal;

import org.jspecify.annotations.NullMarked;
