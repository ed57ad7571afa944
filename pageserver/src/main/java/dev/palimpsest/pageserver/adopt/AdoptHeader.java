package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.wal.WalSegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a backup and its WAL are, said before they come. They are sent to a server as one tar archive, of regular files in this
 * order:
 *
 * <pre>
 * adopt.json                this, as a JSON object
 * data/PATH                 files of the data directory, in any order, global/pg_control among them; no WAL
 * tablespace/OID/PATH       files of a tablespace, with paths from PG_17_202406281 on, among the ones before
 * wal/TTTTTTTT.history      the histories of PostgreSQL timelines, as many as are known
 * wal/TTTTTTTTXXXXXXXXYYYYYYYY   WAL segments without a gap, each as long as a segment is: of each number the file of the newest
 *                           of {@link #timelines} that has it
 * end                       empty: says that all has come
 * </pre>
 *
 * @param pgVersion the major version, 14 to 18
 * @param systemIdentifier of the cluster, unsigned decimal
 * @param walSegmentSize in bytes
 * @param start where the WAL to be replayed begins: the start of a record
 * @param consistency from when on the cluster is consistent
 * @param consistentAt the LSN for {@link Consistency#AT_LSN}, else that of the start
 * @param tablespaces besides {@code pg_default} and {@code pg_global}
 * @param timelines the PostgreSQL timelines that the WAL goes through, the oldest first, at least one
 * @param bytes of the files of the data directory and of the tablespaces
 */
public record AdoptHeader(
        int pgVersion,
        String systemIdentifier,
        int walSegmentSize,
        String start,
        Consistency consistency,
        String consistentAt,
        List<Tablespace> tablespaces,
        List<Step> timelines,
        long bytes) {
    /** The name of this in the archive. */
    public static final String NAME = "adopt.json";

    /** What files of the data directory begin with. */
    public static final String DATA = "data/";

    /** What files of tablespaces begin with. */
    public static final String TABLESPACE = "tablespace/";

    /** What WAL begins with. */
    public static final String WAL = "wal/";

    /** The last entry. */
    public static final String END = "end";

    /** What the name of a timeline's history ends with. */
    public static final String HISTORY = ".history";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** From when on a cluster is consistent. */
    public enum Consistency {
        /** From the start: it was stopped cleanly. */
        AT_START,
        /** From an LSN on, which a standby wrote down. */
        AT_LSN,
        /** From the record on that says where the backup of a primary ended. */
        AT_BACKUP_END
    }

    /**
     * A tablespace.
     *
     * @param oid unsigned
     * @param location where it lay
     */
    public record Tablespace(long oid, String location) {}

    /**
     * A PostgreSQL timeline.
     *
     * @param timeline unsigned
     * @param begins where it left the one before; that of the first does not matter
     */
    public record Step(long timeline, String begins) {
        /** Its number as PostgreSQL has it. */
        public int number() {
            return (int) timeline;
        }

        /** Where it left the one before. */
        public Lsn beginsAt() {
            return Lsn.parse(begins);
        }
    }

    /** Copies the lists. */
    public AdoptHeader {
        tablespaces = List.copyOf(tablespaces);
        timelines = List.copyOf(timelines);
    }

    /** Where the WAL to be replayed begins. */
    public Lsn startLsn() {
        return Lsn.parse(start);
    }

    /** See {@link #consistentAt}. */
    public Lsn consistentLsn() {
        return Lsn.parse(consistentAt);
    }

    byte[] encode() {
        return JSON.writeValueAsString(this).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Reads it, and checks what can be checked without what follows.
     *
     * @throws AdoptException if it makes no sense
     */
    public static AdoptHeader decode(byte[] json) throws AdoptException {
        try {
            AdoptHeader header = JSON.readValue(json, AdoptHeader.class);
            if (header.timelines.isEmpty() || !WalSegment.isValidSize(header.walSegmentSize)) {
                throw new AdoptException(NAME + " has no timeline, or segments of " + header.walSegmentSize + " bytes");
            }
            if (!header.startLsn().isAligned() || Long.parseUnsignedLong(header.systemIdentifier) == 0) {
                throw new AdoptException(NAME + " has no start of WAL or no system identifier");
            }
            Lsn before = header.startLsn();
            for (Step step : header.timelines.subList(1, header.timelines.size())) {
                if (step.beginsAt().isBefore(before) || !step.beginsAt().isAligned()) {
                    throw new AdoptException(NAME + " has timelines out of order: " + header.timelines);
                }
                before = step.beginsAt();
            }
            header.consistentLsn();
            return header;
        } catch (JacksonException | NullPointerException | IllegalArgumentException e) {
            throw new AdoptException(NAME + " does not say what is to be adopted: " + e.getMessage(), e);
        }
    }
}
