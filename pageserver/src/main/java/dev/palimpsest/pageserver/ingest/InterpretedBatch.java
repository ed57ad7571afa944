package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.layer.memory.SerializedBatch;
import java.util.ArrayList;
import java.util.List;

/**
 * What a piece of WAL changes, ready to be applied: values of blocks in the bytes that are stored, and the {@link Change}s
 * that need a look at what there is, in the order of the WAL. To be cleared and filled again; used by one thread at a time.
 */
public final class InterpretedBatch {
    /** A batch is applied once its values take so much, in bytes. */
    public static final int TARGET_BYTES = 4 << 20;

    private static final int MAX_BYTES = 1 << 30;

    private final SerializedBatch.Builder values = new SerializedBatch.Builder(MAX_BYTES);
    private final List<Change> changes = new ArrayList<>();
    private long end;
    private long previousEnd;
    private long records;
    private long walBytes;
    private long latestCommit;

    SerializedBatch.Builder values() {
        return values;
    }

    List<Change> changes() {
        return changes;
    }

    void add(Change change) {
        changes.add(change);
    }

    void recordEnds(long lsn, int length) {
        previousEnd = end;
        end = lsn;
        records++;
        walBytes += length;
    }

    void committed(long microseconds) {
        latestCommit = Math.max(latestCommit, microseconds);
    }

    /** Whether there is no record in it. */
    public boolean isEmpty() {
        return records == 0;
    }

    /** Whether it should be applied before more is added. */
    public boolean isFull() {
        return values.sizeBytes() >= TARGET_BYTES || changes.size() >= 1 << 14;
    }

    /** The end of its last record; invalid if there is none. */
    public Lsn end() {
        return new Lsn(end);
    }

    /** The end of the record before the last one; invalid if there is only one. */
    public Lsn previousEnd() {
        return new Lsn(previousEnd);
    }

    /** How many records. */
    public long records() {
        return records;
    }

    /** The bytes of the records. */
    public long walBytes() {
        return walBytes;
    }

    /** The latest time of a commit in it, in microseconds since 2000-01-01 00:00 UTC; 0 if there is none. */
    public long latestCommit() {
        return latestCommit;
    }

    /** Makes it empty. */
    public void clear() {
        values.clear();
        changes.clear();
        end = 0;
        previousEnd = 0;
        records = 0;
        walBytes = 0;
        latestCommit = 0;
    }
}
