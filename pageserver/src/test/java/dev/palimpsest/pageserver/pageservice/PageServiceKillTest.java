package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.testkit.PagestreamClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of a server whose clients have many requests under way: no page that arrives is a wrong one, before or after. */
@Tag("long")
class PageServiceKillTest {
    private static final int CLIENTS = 8;
    private static final int ROUNDS = 6;
    private static final int DEPTH = 32;

    private static Process start(Path directory) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx256m",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ServedPagesProcess.class.getName(),
                        directory.toString())
                .redirectErrorStream(true)
                .start();
    }

    private static int port(Process process) throws IOException {
        BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        StringBuilder said = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith(ServedPagesProcess.PORT)) {
                return Integer.parseInt(line.substring(ServedPagesProcess.PORT.length()));
            }
            said.append(line).append('\n');
        }
        throw new IOException("the server has ended: " + said);
    }

    /** Asks and checks until the server is gone; what is wrong goes to {@code wrong}. */
    private static void ask(int port, long seed, AtomicLong pages, AtomicReference<@Nullable Throwable> wrong) {
        Random random = new Random(seed);
        int[] asked = new int[DEPTH];
        try (PagestreamClient client = new PagestreamClient(port)) {
            client.open(3, ServedPages.TENANT, ServedPages.TIMELINE);
            while (true) {
                for (int i = 0; i < DEPTH; i++) {
                    asked[i] = random.nextInt(ServedPagesProcess.BLOCKS);
                    client.page(PagestreamClient.LATEST, 0, ServedPages.SPC, ServedPages.DB, 100, 0, asked[i]);
                }
                client.flush();
                for (int block : asked) {
                    byte[] page = new byte[8192];
                    client.reply().position(25 + 17).get(page);
                    assertThat(page)
                            .as("block %d, seed %d", block, seed)
                            .isEqualTo(
                                    ServedPages.page(ServedPages.text(ServedPages.fork(100), block, new Lsn(0x2000))));
                    pages.incrementAndGet();
                }
            }
        } catch (IOException e) {
            // Gone, as was to be.
        } catch (RuntimeException | AssertionError e) {
            wrong.set(e);
        }
    }

    @Test
    void noClientEverGetsAWrongPage(@TempDir Path directory) throws Exception {
        AtomicReference<@Nullable Throwable> wrong = new AtomicReference<>();
        for (int round = 0; round < ROUNDS; round++) {
            Process server = start(directory);
            try {
                int port = port(server);
                AtomicLong pages = new AtomicLong();
                List<Thread> clients = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    long seed = 100L * round + i;
                    clients.add(Thread.ofPlatform().start(() -> ask(port, seed, pages, wrong)));
                }
                long enough = 2000L + 777L * round;
                while (pages.get() < enough && wrong.get() == null && server.isAlive()) {
                    Thread.onSpinWait();
                }
                server.destroyForcibly().waitFor();
                for (Thread client : clients) {
                    client.join();
                }
                assertThat(wrong.get()).as("round %d", round).isNull();
                assertThat(pages.get()).as("round %d", round).isGreaterThanOrEqualTo(enough);
            } finally {
                server.destroyForcibly();
            }
        }
    }
}
