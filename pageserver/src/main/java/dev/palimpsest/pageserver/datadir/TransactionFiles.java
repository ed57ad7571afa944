package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.TransactionId;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.control.TwoPhaseFile;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.datadir.ReplicationOriginFile;
import dev.palimpsest.storage.CorruptionException;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** The files of prepared transactions and of replication origins. */
final class TransactionFiles {
    private static final int CHECKSUM_SIZE = 4;

    private TransactionFiles() {}

    /**
     * Paths and contents.
     *
     * @param nextXid a server takes a prepared transaction from here on for one of the future, and deletes it
     */
    static SortedMap<String, byte[]> of(
            PostgresVersion version, long nextXid, SortedMap<Long, byte[]> prepared, SortedMap<Integer, Lsn> origins)
            throws CorruptionException {
        SortedMap<String, byte[]> files = new TreeMap<>();
        for (Map.Entry<Long, byte[]> transaction : prepared.entrySet()) {
            long xid = transaction.getKey();
            String path = DataDirectoryLayout.PREPARED_TRANSACTIONS + "/" + TwoPhaseFile.name(version, xid);
            files.put(path, twoPhaseFile(path, (int) xid, transaction.getValue()));
            if (!TransactionId.precedes((int) xid, (int) nextXid)) {
                throw new CorruptionException(
                        path, 8, "transaction " + (int) xid + " is prepared, but the next one is " + (int) nextXid);
            }
        }
        if (!origins.isEmpty()) {
            files.put(DataDirectoryLayout.REPLICATION_ORIGINS, ReplicationOriginFile.encode(origins));
        }
        return files;
    }

    private static byte[] twoPhaseFile(String path, int xid, byte[] state) throws CorruptionException {
        byte[] file = Arrays.copyOf(state, state.length + CHECKSUM_SIZE);
        CRC32C crc = new CRC32C();
        crc.update(state);
        LittleEndian.putI32(file, state.length, (int) crc.getValue());
        try {
            int found = TwoPhaseFile.check(path, file);
            if (found != xid) {
                throw new CorruptionException(
                        path, 8, "it is the state of transaction " + TransactionId.toString(found));
            }
            return file;
        } catch (MalformedFileException e) {
            throw new CorruptionException(path, 0, String.valueOf(e.getMessage()), e);
        }
    }
}
