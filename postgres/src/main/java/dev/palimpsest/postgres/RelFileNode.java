package dev.palimpsest.postgres;

/**
 * Which relation on disk: the tablespace, the database and the file. Not the relation's OID in the catalog: a rewrite
 * gives it a new one of these. Each is an unsigned 32-bit integer.
 *
 * @param spcNode the OID of the tablespace, 1663 for {@code pg_default}, 1664 for {@code pg_global}
 * @param dbNode the OID of the database, 0 for what all databases share
 * @param relNode the file's number
 */
public record RelFileNode(int spcNode, int dbNode, int relNode) {
    /** Bytes it takes in a WAL record: three 32-bit integers in this order. */
    public static final int SIZE = 12;

    /** {@code 1663/5/24633}, as PostgreSQL's tools print it. */
    @Override
    public String toString() {
        return Integer.toUnsignedString(spcNode) + "/" + Integer.toUnsignedString(dbNode) + "/"
                + Integer.toUnsignedString(relNode);
    }
}
