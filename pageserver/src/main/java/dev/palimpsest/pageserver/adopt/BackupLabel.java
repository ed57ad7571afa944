package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.Lsn;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The file {@code backup_label} of a base backup: lines of a name, a colon and a value.
 *
 * @param start where its WAL begins
 * @param timeline the PostgreSQL timeline there, unsigned
 * @param fromStandby whether a standby made it
 */
record BackupLabel(Lsn start, int timeline, boolean fromStandby) {
    static final String PATH = "backup_label";

    static BackupLabel parse(byte[] content) throws AdoptException {
        Map<String, String> values = new HashMap<>();
        for (String line : new String(content, StandardCharsets.UTF_8).split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                values.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
        if (values.containsKey("INCREMENTAL FROM LSN")) {
            throw new AdoptException("the backup is an incremental one: make a full one of it and those before it with"
                    + " pg_combinebackup, and adopt that");
        }
        String start = values.getOrDefault("START WAL LOCATION", "").split(" ", 2)[0];
        try {
            return new BackupLabel(
                    Lsn.parse(start),
                    Integer.parseUnsignedInt(values.getOrDefault("START TIMELINE", "")),
                    values.getOrDefault("BACKUP FROM", "").equals("standby"));
        } catch (IllegalArgumentException e) {
            throw new AdoptException(
                    PATH + " does not say where the backup's WAL begins: it has START WAL LOCATION '" + start
                            + "' and START TIMELINE '" + values.getOrDefault("START TIMELINE", "") + "'",
                    e);
        }
    }
}
