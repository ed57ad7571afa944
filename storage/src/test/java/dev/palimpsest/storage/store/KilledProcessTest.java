package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.TenantTimelines;
import dev.palimpsest.storage.timeline.Timeline;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real process with real files, killed with SIGKILL while it writes, again and again on the same directory. */
class KilledProcessTest {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);

    @TempDir
    Path directory;

    /** What a process has said before it was killed. */
    private record LastWords(Lsn durable, List<Lsn> branches) {}

    @Test
    void nothingAcknowledgedIsLost() throws Exception {
        killAgainAndAgain(Long.getLong("palimpsest.seed", 1), 5);
    }

    @Test
    @Tag("long")
    @Timeout(value = 60, unit = TimeUnit.MINUTES)
    void nothingAcknowledgedIsLostInManyLives() throws Exception {
        killAgainAndAgain(Long.getLong("palimpsest.seed", System.nanoTime()), 60);
    }

    private void killAgainAndAgain(long seed, int lives) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        Lsn durable = Lsn.INVALID;
        List<Lsn> branches = new ArrayList<>();
        for (int life = 0; life < lives; life++) {
            LastWords words = writeUntilKilled(seed, random.nextInt(5, 150));
            durable = Lsn.max(durable, words.durable());
            branches.addAll(words.branches());
            verify(seed, random, durable, branches);
        }
        assertThat(durable).as("seed %d has written something", seed).isGreaterThan(CrashingWriter.START);
    }

    /** Lets a child write, and kills it after it has said so many lines. */
    private LastWords writeUntilKilled(long seed, int lines) throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CrashingWriter.class.getName(),
                        directory.toString(),
                        Long.toString(seed))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Lsn durable = Lsn.INVALID;
        List<Lsn> branches = new ArrayList<>();
        try (BufferedReader reader = child.inputReader(StandardCharsets.UTF_8)) {
            int heard = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                Lsn lsn = Lsn.parse(line.substring(line.indexOf(' ') + 1));
                if (line.startsWith("branch ")) {
                    branches.add(lsn);
                } else {
                    durable = lsn;
                }
                if (++heard == lines) {
                    child.toHandle().destroyForcibly(); // unlike the process, this leaves its output open
                }
            }
        }
        assertThat(child.waitFor())
                .as("seed %d: the child was killed and did not end by itself", seed)
                .isEqualTo(137);
        return new LastWords(durable, branches);
    }

    private void verify(long seed, SplittableRandom random, Lsn durable, List<Lsn> branches) throws Exception {
        try (EmbeddedStore store = EmbeddedStore.open(directory, CrashingWriter.SETTINGS, new AppendingRedo())) {
            TenantTimelines tenant = store.tenant(CrashingWriter.TENANT, CONTEXT);
            Timeline root = tenant.timeline(CrashingWriter.ROOT);
            assertThat(root.lastRecordLsn()).as("seed %d", seed).isGreaterThanOrEqualTo(durable);
            History history = History.root(seed, CrashingWriter.START, CrashingWriter.KEYS);
            Lsn last = root.lastRecordLsn();
            history.after(last);
            for (int i = 0; i < 300; i++) {
                long span = last.value() - CrashingWriter.START.value() + 1;
                Lsn lsn = i == 0 ? last : new Lsn(CrashingWriter.START.value() + random.nextLong(span));
                check(seed, root, History.key(random.nextInt(CrashingWriter.KEYS)), lsn, history);
            }
            for (Lsn at : branches) {
                Timeline branch = tenant.timeline(new TimelineId(5, at.value()));
                if (!at.isAfter(last)) {
                    check(seed, branch, History.key(random.nextInt(CrashingWriter.KEYS)), at, history);
                }
            }
            assertThat(leftovers()).as("seed %d", seed).isEmpty();
        }
    }

    private static void check(long seed, Timeline timeline, Key key, Lsn lsn, History history) throws Exception {
        Optional<byte[]> expected = history.expected(key, lsn);
        try {
            byte[] value = timeline.get(key, lsn, CONTEXT);
            assertThat(expected).as("seed %d: key %s at %s", seed, key, lsn).isPresent();
            assertThat(value).as("seed %d: key %s at %s", seed, key, lsn).isEqualTo(expected.get());
        } catch (MissingKeyException e) {
            if (expected.isPresent()) {
                throw e;
            }
        }
    }

    private List<Path> leftovers() throws Exception {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().contains("temp")
                            || file.getFileName().toString().startsWith("ephemeral"))
                    .toList();
        }
    }
}
