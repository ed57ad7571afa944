package dev.palimpsest.cli;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.rmgr.RecordType;
import dev.palimpsest.postgres.rmgr.RecordTypes;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Counts records and their bytes by type. Allocates nothing per record. Not thread-safe. */
final class WalStatistics {
    private static final int MANAGERS = 256;
    private static final int CODES = 16;

    /**
     * What there is of one type, or of all.
     *
     * @param manager the resource manager's name
     * @param type the type's name
     * @param records how many
     * @param recordBytes their bytes without images, page headers and alignment
     * @param imageBytes the bytes of full-page images, as they are stored
     */
    record Line(String manager, String type, long records, long recordBytes, long imageBytes) {
        long bytes() {
            return recordBytes + imageBytes;
        }

        private Line plus(Line other) {
            return new Line(
                    manager,
                    type,
                    records + other.records,
                    recordBytes + other.recordBytes,
                    imageBytes + other.imageBytes);
        }
    }

    private final long[] records = new long[MANAGERS * CODES];
    private final long[] recordBytes = new long[MANAGERS * CODES];
    private final long[] imageBytes = new long[MANAGERS * CODES];

    void add(WalRecord record) {
        int slot = record.resourceManagerId() * CODES + (record.info() >> 4 & CODES - 1);
        int images = record.imageBytes();
        records[slot]++;
        recordBytes[slot] += record.totalLength() - images;
        imageBytes[slot] += images;
    }

    /** The types that occurred, in the order of resource managers and codes. */
    List<Line> lines(PostgresVersion version) {
        RecordTypes types = RecordTypes.of(version);
        List<Line> lines = new ArrayList<>();
        for (int manager = 0; manager < MANAGERS; manager++) {
            @Nullable Line[] ofManager = new @Nullable Line[CODES];
            for (int code = 0; code < CODES; code++) {
                int slot = manager * CODES + code;
                if (records[slot] > 0) {
                    RecordType type = types.find(manager, code << 4);
                    int under = type == null ? code : type.code() >> 4;
                    Line line = new Line(
                            Rmgr.nameOf(manager),
                            types.name(manager, code << 4),
                            records[slot],
                            recordBytes[slot],
                            imageBytes[slot]);
                    Line same = ofManager[under];
                    ofManager[under] = same == null ? line : same.plus(line);
                }
            }
            for (Line line : ofManager) {
                if (line != null) {
                    lines.add(line);
                }
            }
        }
        return lines;
    }

    /** The sum of the lines. */
    static Line total(List<Line> lines) {
        return lines.stream().reduce(new Line("", "Total", 0, 0, 0), Line::plus);
    }
}
