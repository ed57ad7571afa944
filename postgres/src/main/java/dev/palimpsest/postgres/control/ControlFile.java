package dev.palimpsest.postgres.control;

import dev.palimpsest.postgres.LittleEndian;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The control file of a cluster, {@code global/pg_control}: 8192 bytes, of which those after the checksum are zeros.
 * Little-endian:
 *
 * <pre>
 * offset size                                       offset size
 *      0    8  system identifier                       176    1  wal_log_hints
 *      8    4  version of this layout                  180    4  max_connections
 *     12    4  catalog version                         184    4  max_worker_processes
 *     16    4  state ({@link ClusterState})            188    4  max_wal_senders
 *     24    8  time, seconds since 1970                192    4  max_prepared_transactions
 *     32    8  where the last checkpoint's record is   196    4  max_locks_per_transaction
 *     40   88  that checkpoint ({@link CheckPoint})    200    1  track_commit_timestamp
 *    128    8  LSN for unlogged relations              204    4  alignment, 8
 *    136    8  least LSN to recover to                 208    8  1234567.0 as a double
 *    144    4  its timeline                            216    4  bytes of a page, 8192
 *    152    8  where a backup began                    220    4  pages of a relation's file, 131072
 *    160    8  where a backup ends                     224    4  bytes of a WAL page, 8192
 *    168    1  whether a backup's end must come        228    4  bytes of a WAL segment
 *    172    4  wal_level                               232    4  bytes of a name, 64
 *                                                      236    4  columns of an index, 32
 *                                                      240    4  bytes of a TOAST chunk, 1996
 *                                                      244    4  bytes of a large object's chunk, 2048
 *                                                      248    1  float8 by value, 1
 *                                                      252    4  version of data checksums, 0 none
 * since 18:  256    1  whether char is signed; 257 32 nonce; 292 4 CRC-32C of all before
 * up to 17:  256   32  nonce; 288 4 CRC-32C of all before
 * </pre>
 *
 * <p>Immutable: a method {@code with…} gives another one. What this class does not name is kept as it was read.
 */
public final class ControlFile {
    /** Its path under the data directory. */
    public static final String PATH = "global/pg_control";

    /** Bytes of the file. */
    public static final int FILE_SIZE = 8192;

    private static final int STRUCT_SIZE = 296;
    private static final int CHECKPOINT_AT = 40;

    private final PostgresVersion version;
    private final byte[] bytes;

    private ControlFile(PostgresVersion version, byte[] bytes) {
        this.version = version;
        this.bytes = bytes;
    }

    /**
     * Reads a control file. Does not keep the array.
     *
     * @param content the file's bytes, 8192 of them, or at least the first 296
     * @throws MalformedFileException if it is too short, of an unknown version, its checksum is wrong, or it holds a value
     *     that there is not
     */
    public static ControlFile parse(byte[] content) throws MalformedFileException {
        if (content.length < STRUCT_SIZE) {
            throw malformed("it has " + content.length + " bytes, and must have " + FILE_SIZE);
        }
        PostgresVersion version = version(LittleEndian.i32(content, 8), LittleEndian.i32(content, 12));
        Checksum.check(PATH, content, checksumAt(version));
        ControlFile file = new ControlFile(version, Arrays.copyOf(content, STRUCT_SIZE));
        if (!ClusterState.isValid(file.i32(16))) {
            throw malformed("no state of a cluster has the number " + file.i32(16));
        }
        if (!WalLevel.isValid(file.i32(172))) {
            throw malformed("no wal_level has the number " + file.i32(172));
        }
        int segment = file.i32(228);
        if (segment < 1 << 20 || segment > 1 << 30 || Integer.bitCount(segment) != 1) {
            throw malformed("a WAL segment cannot have " + Integer.toUnsignedString(segment) + " bytes");
        }
        return file;
    }

    private static PostgresVersion version(int layout, int catalog) throws MalformedFileException {
        for (PostgresVersion version : PostgresVersion.values()) {
            if (version.controlVersion() == layout && version.catalogVersion() == catalog) {
                return version;
            }
        }
        throw malformed(
                "no PostgreSQL from 14 to 18 has version " + layout + " of this file and catalog version " + catalog);
    }

    private static MalformedFileException malformed(String problem) {
        return new MalformedFileException(PATH, problem);
    }

    private static int checksumAt(PostgresVersion version) {
        return version.isAtLeast(PostgresVersion.V18) ? 292 : 288;
    }

    private int i32(int offset) {
        return LittleEndian.i32(bytes, offset);
    }

    private long i64(int offset) {
        return LittleEndian.i64(bytes, offset);
    }

    private ControlFile with(Consumer<byte[]> change) {
        byte[] changed = bytes.clone();
        change.accept(changed);
        int at = checksumAt(version);
        LittleEndian.putI32(changed, at, Checksum.of(changed, at));
        return new ControlFile(version, changed);
    }

    /** The whole file, 8192 bytes, with its checksum. */
    public byte[] encode() {
        return Arrays.copyOf(bytes, FILE_SIZE);
    }

    /** The version of PostgreSQL whose cluster it is. */
    public PostgresVersion version() {
        return version;
    }

    /** The cluster's identity. */
    public long systemIdentifier() {
        return i64(0);
    }

    /** What the cluster was doing. */
    public ClusterState state() {
        return ClusterState.of(i32(16));
    }

    /** When the file was last written, in seconds since 1970. */
    public long time() {
        return i64(24);
    }

    /** Where the record of the last checkpoint begins. */
    public Lsn checkPointLocation() {
        return new Lsn(i64(32));
    }

    /** The last checkpoint. */
    public CheckPoint checkPoint() {
        return CheckPoint.decode(version, bytes, CHECKPOINT_AT);
    }

    /** The next LSN for pages of unlogged relations, 1000 or more. */
    public Lsn unloggedLsn() {
        return new Lsn(i64(128));
    }

    /** How far recovery must come before anybody may look. */
    public Lsn minRecoveryPoint() {
        return new Lsn(i64(136));
    }

    /** The timeline of {@link #minRecoveryPoint}. */
    public int minRecoveryPointTimeline() {
        return i32(144);
    }

    /** How much goes into the WAL. */
    public WalLevel walLevel() {
        return WalLevel.of(i32(172));
    }

    /** Whether hints are logged. */
    public boolean walLogHints() {
        return bytes[176] != 0;
    }

    /** {@code max_connections}. */
    public int maxConnections() {
        return i32(180);
    }

    /** {@code max_worker_processes}. */
    public int maxWorkerProcesses() {
        return i32(184);
    }

    /** {@code max_wal_senders}. */
    public int maxWalSenders() {
        return i32(188);
    }

    /** {@code max_prepared_transactions}. */
    public int maxPreparedTransactions() {
        return i32(192);
    }

    /** {@code max_locks_per_transaction}. */
    public int maxLocksPerTransaction() {
        return i32(196);
    }

    /** Whether commit timestamps are kept. */
    public boolean trackCommitTimestamp() {
        return bytes[200] != 0;
    }

    /** Bytes of a WAL segment, a power of two from 1 MiB to 1 GiB. */
    public int walSegmentSize() {
        return i32(228);
    }

    /** The version of data checksums, 0 if pages have none. */
    public int dataChecksumVersion() {
        return i32(252);
    }

    /** With this identity. */
    public ControlFile withSystemIdentifier(long identifier) {
        return with(changed -> LittleEndian.putI64(changed, 0, identifier));
    }

    /** In this state. */
    public ControlFile withState(ClusterState state) {
        return with(changed -> LittleEndian.putI32(changed, 16, state.number()));
    }

    /** Last written at this time, in seconds since 1970. */
    public ControlFile withTime(long time) {
        return with(changed -> LittleEndian.putI64(changed, 24, time));
    }

    /**
     * With this as the last checkpoint.
     *
     * @param location where its record begins
     */
    public ControlFile withCheckPoint(Lsn location, CheckPoint checkPoint) {
        return with(changed -> {
            LittleEndian.putI64(changed, 32, location.value());
            checkPoint.encode(changed, CHECKPOINT_AT);
        });
    }

    /** With this as the next LSN for pages of unlogged relations. */
    public ControlFile withUnloggedLsn(Lsn lsn) {
        return with(changed -> LittleEndian.putI64(changed, 128, lsn.value()));
    }

    /** With nothing that recovery would have to reach, neither an LSN nor the end of a backup. */
    public ControlFile withoutRecoveryTarget() {
        return with(changed -> {
            Arrays.fill(changed, 136, 148, (byte) 0);
            Arrays.fill(changed, 152, 169, (byte) 0);
        });
    }

    /** With the settings of a record {@code PARAMETER_CHANGE}, in its order; the last two are 0 or 1. */
    public ControlFile withSettings(
            int maxConnections,
            int maxWorkerProcesses,
            int maxWalSenders,
            int maxPreparedTransactions,
            int maxLocksPerTransaction,
            WalLevel walLevel,
            int walLogHints,
            int trackCommitTimestamp) {
        return with(changed -> {
            LittleEndian.putI32(changed, 172, walLevel.number());
            changed[176] = (byte) walLogHints;
            LittleEndian.putI32(changed, 180, maxConnections);
            LittleEndian.putI32(changed, 184, maxWorkerProcesses);
            LittleEndian.putI32(changed, 188, maxWalSenders);
            LittleEndian.putI32(changed, 192, maxPreparedTransactions);
            LittleEndian.putI32(changed, 196, maxLocksPerTransaction);
            changed[200] = (byte) trackCommitTimestamp;
        });
    }

    /** With data checksums of this version, 0 for none; what the pages have is for the caller to know. */
    public ControlFile withDataChecksumVersion(int dataChecksumVersion) {
        return with(changed -> LittleEndian.putI32(changed, 252, dataChecksumVersion));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ControlFile file && Arrays.equals(bytes, file.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Version, identity, state and last checkpoint. */
    @Override
    public String toString() {
        return version + " system " + Long.toUnsignedString(systemIdentifier()) + ", " + state() + ", checkpoint at "
                + checkPointLocation() + ": " + checkPoint();
    }
}
