package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
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
     * {@code fullbackup TENANT TIMELINE [LSN [PREV]]}: a data directory as a tar archive.
     *
     * @param lsn null for the newest
     */
    record FullBackup(
            TenantId tenant, TimelineId timeline, @Nullable Lsn lsn) implements PageServiceCommand {}

    /** {@code set …}: what drivers say at the beginning; of no effect. */
    record Set() implements PageServiceCommand {}

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
            case "fullbackup" -> fullBackup(words);
            case "set" -> new Set();
            default ->
                throw new IllegalArgumentException("unknown command '" + shortened(words[0])
                        + "': there are pagestream_v2, pagestream_v3, fullbackup and set");
        };
    }

    private static Pagestream pagestream(PagestreamVersion version, String[] words) {
        count(words, 3, 3, words[0] + " TENANT TIMELINE");
        return new Pagestream(version, TenantId.parse(words[1]), TimelineId.parse(words[2]));
    }

    private static FullBackup fullBackup(String[] words) {
        count(words, 3, 5, "fullbackup TENANT TIMELINE [LSN [PREV]]");
        if (words.length == 5) {
            Lsn.parse(words[4]); // where the record before began; the timeline knows that itself
        }
        return new FullBackup(
                TenantId.parse(words[1]), TimelineId.parse(words[2]), words.length > 3 ? Lsn.parse(words[3]) : null);
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
