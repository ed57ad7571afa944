package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import java.time.Instant;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PitrSearchTest {
    private static final Lsn FIRST = new Lsn(800);

    private final TreeMap<Lsn, Instant> commits = new TreeMap<>();
    private final PitrSearch search = new PitrSearch();
    private int searches;

    /** What history says, where commits are at known LSNs. */
    private final class Known implements PitrSearch.Commits {
        @Override
        public @Nullable Instant latestCommit(Lsn lsn) {
            return commits.headMap(lsn, true).values().stream()
                    .max(Instant::compareTo)
                    .orElse(null);
        }

        @Override
        public @Nullable Lsn lastBefore(Instant time, Lsn from, Lsn to) {
            searches++;
            for (var commit : commits.headMap(to, true).entrySet()) {
                if (commit.getValue().isAfter(time)) {
                    return commit.getKey().isAfter(from) ? commit.getKey().minus(8) : null;
                }
            }
            return to;
        }
    }

    private static Instant at(long second) {
        return Instant.ofEpochSecond(second);
    }

    private @Nullable Lsn find(long second, long last) throws Exception {
        return search.find(at(second), new Known(), FIRST, new Lsn(last));
    }

    @Test
    void withoutCommitsNothingIsKnown() throws Exception {
        assertThat(find(100, 4000)).isNull();
    }

    @Test
    void aSearchInVainIsNotRepeatedBeforeItCanSucceed() throws Exception {
        commits.put(new Lsn(1000), at(100));
        commits.put(new Lsn(2000), at(200));
        assertThat(find(50, 4000))
                .as("nobody knows how old what comes before the first commit is")
                .isNull();
        assertThat(find(99, 4000)).isNull();
        assertThat(searches).isEqualTo(1);
        assertThat(find(100, 4000)).isEqualTo(new Lsn(1992));
        assertThat(searches).isEqualTo(2);
    }

    @Test
    void anAnswerHoldsUntilTheNextCommitIsOldEnough() throws Exception {
        commits.put(new Lsn(1000), at(100));
        commits.put(new Lsn(2000), at(200));
        commits.put(new Lsn(3000), at(300));
        assertThat(find(150, 4000)).isEqualTo(new Lsn(1992));
        assertThat(find(199, 4000)).isEqualTo(new Lsn(1992));
        assertThat(searches).isEqualTo(1);
        assertThat(find(200, 4000)).isEqualTo(new Lsn(2992));
        assertThat(find(120, 4000)).as("a longer interval").isEqualTo(new Lsn(1992));
        assertThat(find(300, 4000)).as("all is old").isEqualTo(new Lsn(4000));
        assertThat(find(400, 5000)).isEqualTo(new Lsn(5000));
    }

    @Test
    void aHistoryThatBeginsLaterHasNoAnswer() throws Exception {
        commits.put(new Lsn(800), at(500));
        commits.put(new Lsn(2000), at(600));
        assertThat(find(100, 4000)).isNull();
        assertThat(find(499, 4000)).isNull();
        assertThat(searches).isEqualTo(1);
        assertThat(find(500, 4000)).isEqualTo(new Lsn(1992));
    }
}
