package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a client says in a query. The command word may be in upper or lower case; arguments are separated by white space.
 * Source: Neon's page service.
 */
sealed interface PageServiceCommand {
    /** {@code pagestream_v2 TENANT TIMELINE}, {@code pagestream_v3 TENANT TIMELINE}. */
    record Pagestream(PagestreamVersion version, TenantId tenant, TimelineId timeline) implements PageServiceCommand {}

    /**
     * {@code basebackup TENANT TIMELINE [latest|LSN] [--gzip] [--replica]}: what a compute starts from, as a tar archive. That
     * it is for a replica only leaves out replication slots there, which no archive of ours has.
     *
     * @param lsn null for the newest
     */
    record BaseBackup(
            TenantId tenant, TimelineId timeline, @Nullable Lsn lsn, boolean gzip) implements PageServiceCommand {}

    /**
     * {@code fullbackup TENANT TIMELINE [LSN [PREV]]}: a data directory as a tar archive.
     *
     * @param lsn null for the newest
     * @param previous where the client believes that the record before ended; null if it does not say
     */
    record FullBackup(
            TenantId tenant,
            TimelineId timeline,
            @Nullable Lsn lsn,
            @Nullable Lsn previous) implements PageServiceCommand {}

    /** {@code lease lsn TENANT[-SHARD] TIMELINE LSN}. */
    record Lease(TenantId tenant, TimelineId timeline, Lsn lsn) implements PageServiceCommand {}

    /** {@code set …}: what drivers say at the beginning; of no effect. */
    record Set() implements PageServiceCommand {}

    /** Of a tenant that has no shards, which is how Neon writes its only one. */
    String UNSHARDED = "-0000";

    /**
     * Understands a query.
     *
     * @throws IllegalArgumentException if it is none of these; the message says what is wrong
     */
    static PageServiceCommand parse(String query) {
        String[] words = query.strip().split("\\s+");
        String name = words[0].toLowerCase(Locale.ROOT);
        return switch (name) {
            case "pagestream_v2" -> pagestream(PagestreamVersion.V2, words);
            case "pagestream_v3" -> pagestream(PagestreamVersion.V3, words);
            case "basebackup" -> baseBackup(words);
            case "fullbackup" -> fullBackup(words);
            case "lease" -> lease(words);
            case "set" -> new Set();
            default ->
                throw new IllegalArgumentException("unknown command '" + shortened(words[0])
                        + "': there are pagestream_v2, pagestream_v3, basebackup, fullbackup, lease lsn and set");
        };
    }

    /** Whether it is a command that gives a row. */
    static boolean isLease(String query) {
        return query.strip().toLowerCase(Locale.ROOT).startsWith("lease ");
    }

    private static Pagestream pagestream(PagestreamVersion version, String[] words) {
        count(words, 3, 3, words[0] + " TENANT TIMELINE");
        return new Pagestream(version, TenantId.parse(words[1]), TimelineId.parse(words[2]));
    }

    private static BaseBackup baseBackup(String[] words) {
        count(words, 3, 6, "basebackup TENANT TIMELINE [latest|LSN] [--gzip] [--replica]");
        boolean hasLsn = words.length > 3 && !words[3].startsWith("--");
        Lsn lsn = hasLsn && !words[3].equals("latest") ? Lsn.parse(words[3]) : null;
        java.util.Set<String> flags = new HashSet<>();
        for (String flag : List.of(words).subList(hasLsn ? 4 : 3, words.length)) {
            if (!flag.equals("--gzip") && !flag.equals("--replica")) {
                throw new IllegalArgumentException("basebackup has no option '" + shortened(flag) + "'");
            }
            if (!flags.add(flag)) {
                throw new IllegalArgumentException(flag + " is said twice");
            }
        }
        return new BaseBackup(TenantId.parse(words[1]), TimelineId.parse(words[2]), lsn, flags.contains("--gzip"));
    }

    private static FullBackup fullBackup(String[] words) {
        count(words, 3, 5, "fullbackup TENANT TIMELINE [LSN [PREV]]");
        return new FullBackup(
                TenantId.parse(words[1]),
                TimelineId.parse(words[2]),
                words.length > 3 ? Lsn.parse(words[3]) : null,
                words.length > 4 ? Lsn.parse(words[4]) : null);
    }

    private static Lease lease(String[] words) {
        String usage = "lease lsn TENANT TIMELINE LSN";
        if (words.length < 2 || !words[1].toLowerCase(Locale.ROOT).equals("lsn")) {
            throw new IllegalArgumentException("only LSNs are leased: " + usage);
        }
        count(words, 5, 5, usage);
        String tenant =
                words[2].endsWith(UNSHARDED) ? words[2].substring(0, words[2].length() - UNSHARDED.length()) : words[2];
        return new Lease(TenantId.parse(tenant), TimelineId.parse(words[3]), Lsn.parse(words[4]));
    }

    private static void count(String[] words, int least, int most, String usage) {
        if (words.length < least || words.length > most) {
            throw new IllegalArgumentException((words.length - 1) + " arguments are too "
                    + (words.length < least ? "few" : "many") + ": " + usage);
        }
    }

    private static String shortened(String word) {
        return word.length() <= 40 ? word : word.substring(0, 40) + "…";
    }
}
