package dev.palimpsest.pageserver.ingest;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.rmgr.StorageRecord;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.layer.memory.SerializedBatch;

/** What cutting a relation does to its forks. */
final class Truncation {
    static final int HEAP_BLOCKS_PER_MAP_PAGE = 32672;

    private Truncation() {}
    static void apply(StorageRecord.Truncate truncate, ForkDirectory forks, SerializedBatch.Builder target, Lsn lsn)
            throws StorageException {}
}
