package dev.palimpsest.postgres.rmgr;

import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.Payload;
import dev.palimpsest.postgres.wal.PayloadReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Pieces that records of several managers have in common, and how they are printed. */
final class PayloadText {
    private PayloadText() {}

    /** A string that ends with a NUL, of at most {@code limit} bytes with it. */
    static String terminated(Payload data, int offset, int limit) throws MalformedRecordException {
        int length = 0;
        while (true) {
            if (length == limit) {
                throw data.malformed("the text at offset " + offset + " has no end within " + limit + " bytes");
            }
            if (data.u8(offset + length) == 0) {
                return utf8(data, offset, length);
            }
            length++;
        }
    }

    /** {@code length} bytes as text. */
    static String utf8(Payload data, int offset, int length) throws MalformedRecordException {
        return new String(data.copy(offset, length), StandardCharsets.UTF_8);
    }

    /** {@code count} transaction ids, which the payload must hold. */
    static int[] xids(PayloadReader reader, int count) throws MalformedRecordException {
        int[] xids = new int[count];
        for (int i = 0; i < count; i++) {
            xids[i] = reader.i32();
        }
        return xids;
    }

    /** A blank before each id. */
    static void appendXids(StringBuilder text, int[] xids) {
        for (int xid : xids) {
            text.append(' ').append(TransactionId.toString(xid));
        }
    }

    /** Says {@code label} and a blank and each thing, or nothing if there is none. */
    static void appendAll(StringBuilder text, String label, List<?> things) {
        if (!things.isEmpty()) {
            text.append(label);
            for (Object thing : things) {
                text.append(' ').append(thing);
            }
        }
    }

    /** The page number of an SLRU: 4 bytes up to PostgreSQL 16, 8 since 17. */
    static int slruPage(Payload data, int size, int pages) throws MalformedRecordException {
        long page = size == 8 ? data.i64(0) : data.i32(0);
        if (page < 0 || page >= pages) {
            throw data.malformed("page " + page + " of " + pages + " pages that there can be");
        }
        return (int) page;
    }
}
