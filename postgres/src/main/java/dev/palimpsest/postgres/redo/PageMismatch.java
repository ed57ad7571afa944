package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.BlockTag;
import dev.palimpsest.postgres.Lsn;
import java.util.HexFormat;

/**
 * A page that is not what PostgreSQL made of it.
 *
 * @param recordLsn where the record begins after which they differ
 * @param type its type, {@code Heap/INSERT}
 * @param block the page
 * @param blockId as which of the record's blocks
 * @param from the first byte that differs, after masking
 * @param to the last byte that differs (inclusive)
 * @param expected PostgreSQL's bytes from there on, at most 32
 * @param actual ours
 */
public record PageMismatch(
        Lsn recordLsn, String type, BlockTag block, int blockId, int from, int to, byte[] expected, byte[] actual) {
    /** One line. */
    @Override
    public String toString() {
        HexFormat hex = HexFormat.ofDelimiter(" ");
        return type + " at " + recordLsn + ", " + block + " (block reference " + blockId + "): bytes " + from + " to "
                + to + " differ, from " + from + " on PostgreSQL has " + hex.formatHex(expected) + ", redo gave "
                + hex.formatHex(actual);
    }
}
