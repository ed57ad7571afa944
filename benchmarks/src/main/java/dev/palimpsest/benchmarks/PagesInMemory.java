package dev.palimpsest.benchmarks;

import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The pages of relations, made when they are first asked for. Not thread-safe. */
final class PagesInMemory {
    private static final int FIRST_PAGES = 16;

    private record Fork(RelFileNode relation, int number) {}

    private static final class Pages {
        private final RelFileNode relation;
        private final int fork;
        private @Nullable Page[] pages = new @Nullable Page[FIRST_PAGES];

        private Pages(RelFileNode relation, int fork) {
            this.relation = relation;
            this.fork = fork;
        }
    }

    private final Map<Fork, Pages> forks = new HashMap<>();
    private Pages last = new Pages(new RelFileNode(0, 0, 0), -1);
    private long count;

    /** The page that the record refers to by this id; of zeros if it was not there. */
    Page page(WalRecord record, int blockId) {
        Pages pages = last;
        if (pages.relation.relNode() != record.relNode(blockId)
                || pages.fork != record.forkNumber(blockId)
                || pages.relation.dbNode() != record.dbNode(blockId)
                || pages.relation.spcNode() != record.spcNode(blockId)) {
            pages = forks.computeIfAbsent(
                    new Fork(record.relation(blockId), record.forkNumber(blockId)),
                    fork -> new Pages(fork.relation, fork.number));
            last = pages;
        }
        int block = record.blockNumber(blockId);
        if (block >= pages.pages.length) {
            pages.pages = Arrays.copyOf(pages.pages, Math.max(block + 1, 2 * pages.pages.length));
        }
        Page page = pages.pages[block];
        if (page == null) {
            page = new Page();
            pages.pages[block] = page;
            count++;
        }
        return page;
    }

    /** How many pages there are. */
    long count() {
        return count;
    }

    /** The main fork of the relation that has the most pages. */
    RelFileNode largest() {
        RelFileNode largest = last.relation;
        int most = -1;
        for (Pages pages : forks.values()) {
            if (pages.fork == 0 && pages.pages.length > most) {
                most = pages.pages.length;
                largest = pages.relation;
            }
        }
        return largest;
    }

    /** The page with this number of the relation's main fork, null if no record referred to it. */
    @Nullable
    Page find(RelFileNode relation, int block) {
        Pages pages = forks.get(new Fork(relation, 0));
        return pages == null || block >= pages.pages.length ? null : pages.pages[block];
    }
}
