package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.control.CheckPoint;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.postgres.control.WalLevel;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/** A cluster in memory, whose pages carry their block numbers. */
class TinyCluster implements ClusterAt {
    static final Lsn LSN = Lsn.parse("0/5000100");

    final TreeMap<RelTag, Integer> relations = new TreeMap<>();
    final TreeMap<Long, byte[]> prepared = new TreeMap<>();
    final TreeMap<Integer, Lsn> origins = new TreeMap<>();
    final TreeMap<Integer, String> tablespaces = new TreeMap<>();
    final TreeMap<String, byte[]> files = new TreeMap<>();
    final AtomicInteger reading = new AtomicInteger();
    final AtomicInteger mostReading = new AtomicInteger();
    final Queue<List<Blocks>> reads = new ConcurrentLinkedQueue<>();
    volatile long missingBlock = -1;
    volatile Lsn pageLsn = LSN;
    int checksumVersion = 1;

    @Override
    public PostgresVersion version() {
        return PostgresVersion.V17;
    }

    @Override
    public Lsn lsn() {
        return LSN;
    }

    @Override
    public byte[] controlFile() {
        byte[] file = new byte[8192];
        LittleEndian.putI64(file, 0, 0x6A1B2C3D4E5F6071L);
        LittleEndian.putI32(file, 8, version().controlVersion());
        LittleEndian.putI32(file, 12, version().catalogVersion());
        LittleEndian.putI32(file, 16, 6);
        LittleEndian.putI64(file, 136, 77);
        LittleEndian.putI32(file, 172, 1);
        LittleEndian.putI32(file, 180, 100);
        LittleEndian.putI32(file, 184, 8);
        LittleEndian.putI32(file, 188, 10);
        LittleEndian.putI32(file, 196, 64);
        LittleEndian.putI32(file, 228, 1 << 20);
        LittleEndian.putI32(file, 252, checksumVersion);
        CRC32C crc = new CRC32C();
        crc.update(file, 0, 288);
        LittleEndian.putI32(file, 288, (int) crc.getValue());
        return file;
    }

    @Override
    public CheckPoint checkPoint() {
        return new CheckPoint(Lsn.INVALID, 3, 3, 0, WalLevel.REPLICA, 1000, 20000, 1, 0, 731, 1, 1, 1, 0, 0, 0, 900);
    }

    @Override
    public List<Database> databases() {
        List<Database> databases = new ArrayList<>(List.of(new Database(1664, 0, true), new Database(1663, 5, true)));
        tablespaces.keySet().forEach(oid -> databases.add(new Database(oid, 5, false)));
        return databases;
    }

    @Override
    public byte[] relationMap(int spcNode, int dbNode) {
        return RelationMap.of(version(), Map.of(1259, 1259)).encode();
    }

    @Override
    public List<Relation> relations(int spcNode, int dbNode) {
        return relations.entrySet().stream()
                .filter(r -> r.getKey().spcNode() == spcNode && r.getKey().dbNode() == dbNode)
                .map(r -> new Relation(r.getKey(), r.getValue()))
                .toList();
    }

    @Override
    public void readBlocks(List<Blocks> pieces, byte[] target) throws StorageException {
        mostReading.accumulateAndGet(reading.incrementAndGet(), Math::max);
        reads.add(pieces);
        try {
            int at = 0;
            for (Blocks piece : pieces) {
                for (int block = piece.first(); block != piece.first() + piece.count(); block++) {
                    if (block == missingBlock) {
                        throw new MissingKeyException("no image of block " + block);
                    }
                    System.arraycopy(page(piece.relation(), block).bytes(), 0, target, at, 8192);
                    at += 8192;
                }
            }
        } finally {
            reading.decrementAndGet();
        }
    }

    /** Every 16th page is a new one. */
    Page page(RelTag relation, int block) {
        Page page = new Page();
        if (block % 16 != 15) {
            page.initialize(0);
            page.setLsn(pageLsn.value());
            page.setChecksum(0xBAD);
            LittleEndian.putI32(page.bytes(), 4096, block);
            LittleEndian.putI32(page.bytes(), 4100, relation.relNode());
            LittleEndian.putI32(page.bytes(), 4104, relation.forkNumber());
        }
        return page;
    }

    @Override
    public List<SlruSegment> slruSegments(SlruKind kind) {
        return kind == SlruKind.XACT ? List.of(new SlruSegment(0, 1)) : List.of();
    }

    @Override
    public byte[] readSlruSegment(SlruKind kind, SlruSegment segment) {
        return new byte[segment.pages() * 8192];
    }

    @Override
    public SortedMap<Long, byte[]> preparedTransactions() {
        return prepared;
    }

    @Override
    public SortedMap<Integer, Lsn> replicationOrigins() {
        return origins;
    }

    @Override
    public SortedMap<Integer, String> tablespaces() {
        return tablespaces;
    }

    @Override
    public SortedMap<String, byte[]> files() {
        return files;
    }
}
