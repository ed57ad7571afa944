package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.testkit.PagestreamClient;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients may take, and what becomes of those who take more, or give nothing back. */
class PageServiceLimitsTest {
    private static final long LATEST = PagestreamClient.LATEST;
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final String IDS = ServedPages.TENANT + " " + ServedPages.TIMELINE;

    @TempDir
    private Path directory;

    @SuppressWarnings("NullAway.Init") // each test begins with serve(…)
    private ServedPages served;

    private void serve(int connections, Duration idle, Duration message, Duration write, ThrottleSettings throttle)
            throws Exception {
        served = new ServedPages(directory, settings(connections, 100, idle, message, write, throttle));
        served.write(new Lsn(0x2000)).create(ServedPages.fork(100), 40).finish();
    }

    private static PageServiceSettings settings(
            int connections,
            int tenantPercent,
            Duration idle,
            Duration message,
            Duration write,
            ThrottleSettings throttle) {
        return new PageServiceSettings(
                "127.0.0.1",
                0,
                connections,
                tenantPercent,
                LONG,
                idle,
                message,
                write,
                Duration.ofMillis(200),
                32,
                throttle);
    }

    @AfterEach
    void close() throws Exception {
        served.close();
    }

    private PagestreamClient client() throws IOException {
        PagestreamClient client = new PagestreamClient(served.service.port());
        client.open(3, ServedPages.TENANT, ServedPages.TIMELINE);
        return client;
    }

    private static void ask(PagestreamClient client, int block) throws IOException {
        client.page(LATEST, 0, ServedPages.SPC, ServedPages.DB, 100, 0, block);
    }

    private static void checkPage(PagestreamClient client, int block) throws IOException {
        byte[] page = new byte[8192];
        client.reply().position(25 + 17).get(page);
        assertThat(page).isEqualTo(ServedPages.page(ServedPages.text(ServedPages.fork(100), block, new Lsn(0x2000))));
    }

    private static void read(PagestreamClient client, int block) throws IOException {
        ask(client, block);
        client.flush();
        checkPage(client, block);
    }

    @Test
    void whoDoesNotEndAMessageIsCutOffAndWhoIsIdleStays() throws Exception {
        serve(8, Duration.ZERO, SHORT, LONG, ThrottleSettings.NONE);
        try (PagestreamClient idle = client();
                PagestreamClient stuck = client()) {
            read(idle, 1);
            ask(stuck, 3);
            stuck.raw(new byte[] {'d', 0, 0, 0, 46, 2});
            stuck.flush();
            checkPage(stuck, 3);
            assertThatThrownBy(stuck::read).as("in the middle of a message").isInstanceOf(IOException.class);
            read(idle, 2);
        }
    }

    @Test
    void whoIsIdleIsCutOffIfTheSettingsSaySo() throws Exception {
        serve(8, SHORT, LONG, LONG, ThrottleSettings.NONE);
        try (PagestreamClient idle = client()) {
            assertThatThrownBy(idle::read).isInstanceOf(IOException.class);
        }
    }

    @Test
    void oneTenantLeavesRoomForOthers() throws Exception {
        served = new ServedPages(directory, settings(6, 50, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE));
        served.write(new Lsn(0x2000)).create(ServedPages.fork(100), 40).finish();
        PagestreamClient gone = client();
        try (PagestreamClient first = client();
                PagestreamClient second = client();
                PagestreamClient other = new PagestreamClient(served.service.port())) {
            assertThatThrownBy(this::client)
                    .hasMessageContaining("tenant " + ServedPages.TENANT + " has 3 clients already")
                    .hasMessageContaining("page_service_tenant_percent");
            other.open(3, ServedPages.OTHER_TENANT, ServedPages.TIMELINE);
            read(other, 4);
            gone.close();
            try (PagestreamClient third = untilAccepted()) {
                read(third, 3);
            }
            read(first, 1);
            read(second, 2);
        }
    }

    /** It asks for more than fits into all buffers on the way, and reads nothing of it. */
    @Test
    void whoDoesNotTakeHisRepliesIsCutOffAndNobodyElseNotices() throws Exception {
        serve(8, Duration.ZERO, LONG, SHORT, ThrottleSettings.NONE);
        try (PagestreamClient slow = client();
                PagestreamClient other = client()) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 1_000_000; i++) {
                            ask(slow, i % 40);
                        }
                        slow.flush();
                    })
                    .isInstanceOf(IOException.class);
            read(other, 5);
        }
    }

    @Test
    void clientsThatDieInTheMiddleLeaveNothingBehind() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        for (int seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), served.service.port())) {
                // A close that finds unread replies, or is told not to linger, is a reset.
                socket.setSoLinger(random.nextBoolean(), 0);
                byte[] all = session();
                socket.getOutputStream().write(all, 0, random.nextInt(all.length));
                if (random.nextBoolean()) {
                    socket.getInputStream().readNBytes(random.nextInt(50));
                }
            }
        }
        try (PagestreamClient client = untilAccepted()) {
            read(client, 7);
        }
    }

    /** There is room again as soon as the server has found that the others are gone. */
    private PagestreamClient untilAccepted() throws IOException {
        while (true) {
            try {
                return client();
            } catch (IOException e) {
                assertThat(e).hasMessageMatching("(?s).*(too many clients|clients already).*");
            }
        }
    }

    /** Everything that a client says: startup, command, requests. */
    private static byte[] session() {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        byte[] user = "user\0x\0\0".getBytes(StandardCharsets.UTF_8);
        bytes.putInt(8 + user.length).putInt(3 << 16).put(user);
        byte[] query = ("pagestream_v3 " + IDS + "\0").getBytes(StandardCharsets.UTF_8);
        bytes.put((byte) 'Q').putInt(4 + query.length).put(query);
        for (int i = 0; i < 40; i++) {
            bytes.put((byte) 'd')
                    .putInt(46)
                    .put((byte) 2)
                    .putLong(i)
                    .putLong(-1)
                    .putLong(0);
            bytes.putInt(ServedPages.SPC)
                    .putInt(ServedPages.DB)
                    .putInt(100)
                    .put((byte) 0)
                    .putInt(i);
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** Whole sessions in which bytes were changed, left out or doubled: the server goes on, and gives right answers. */
    @Test
    void sessionsThatWereMangledDoNoHarm() throws Exception {
        serve(64, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        try (PagestreamClient good = client()) {
            for (int seed = 0; seed < 300; seed++) {
                Random random = new Random(seed);
                ByteArrayOutputStream mangled = new ByteArrayOutputStream();
                for (byte b : session()) {
                    switch (random.nextInt(400)) {
                        case 0 -> mangled.write(random.nextInt(256));
                        case 1 -> mangled.write(new byte[] {b, b});
                        case 2 -> {}
                        default -> mangled.write(b);
                    }
                }
                try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), served.service.port())) {
                    socket.getOutputStream().write(mangled.toByteArray());
                    socket.shutdownOutput();
                    socket.getInputStream().readAllBytes();
                } catch (IOException e) {
                    assertThat(e).as("seed %d", seed).isNotNull();
                }
                read(good, seed % 40);
            }
        }
    }

    private double count(String name) {
        return served.metrics.scrape(name::equals).stream()
                .map(CounterSnapshot.class::cast)
                .flatMap(snapshot -> snapshot.getDataPoints().stream())
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    @Test
    void whoAsksForMoreThanTheThrottleGivesWaits() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, new ThrottleSettings(true, 10, Duration.ofMillis(100), 100, 10));
        long start = System.nanoTime();
        try (PagestreamClient one = client();
                PagestreamClient other = client()) {
            for (int i = 0; i < 100; i++) {
                ask(one, i % 40);
                ask(other, i % 40);
            }
            one.flush();
            other.flush();
            for (int i = 0; i < 100; i++) {
                checkPage(one, i % 40);
                checkPage(other, i % 40);
            }
        }
        assertThat(System.nanoTime() - start).as("190 at 1000 a second").isGreaterThan(189_000_000);
        assertThat(count("pageserver_tenant_throttling_count_accounted_start_global"))
                .isEqualTo(200);
        assertThat(count("pageserver_tenant_throttling_count_accounted_finish_global"))
                .isEqualTo(200);
        assertThat(count("pageserver_tenant_throttling_count_global")).isBetween(100.0, 200.0);
        assertThat(count("pageserver_tenant_throttling_wait_usecs_sum_global")).isGreaterThan(0);
    }

    /** One tenant may make a request a day, and another as many as it likes; then the first may again. */
    @Test
    void aTenantThatIsThrottledKeepsNoOtherWaitingAndIsLetOffWhileItWaits() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        TenantId slow = TenantId.parse(ServedPages.TENANT);
        try (PagestreamClient throttled = client();
                PagestreamClient other = new PagestreamClient(served.service.port())) {
            other.open(3, ServedPages.OTHER_TENANT, ServedPages.TIMELINE);
            read(throttled, 1);
            served.throttles.put(slow, new ThrottleSettings(true, 1, Duration.ofDays(1), 1, 1));
            read(throttled, 2);
            ask(throttled, 3);
            throttled.flush();
            for (int i = 0; i < 40; i++) {
                read(other, i);
            }
            long limit = System.nanoTime() + LONG.toNanos();
            while (count("pageserver_tenant_throttling_count") < 1) {
                assertThat(System.nanoTime()).as("it does not wait").isLessThan(limit);
                Thread.onSpinWait();
            }
            assertThat(count("pageserver_tenant_throttling_count_accounted_finish"))
                    .isEqualTo(1);
            served.throttles.remove(slow);
            checkPage(throttled, 3);
            read(throttled, 4);
            assertThat(count("pageserver_tenant_throttling_count_accounted_finish"))
                    .isEqualTo(2);
        }
    }

    @Test
    void aTenantThatMayDoAsItLikesIsNotThrottledByWhatCountsForAll() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, new ThrottleSettings(true, 0, Duration.ofDays(1), 1, 1));
        served.throttles.put(TenantId.parse(ServedPages.TENANT), ThrottleSettings.NONE);
        try (PagestreamClient client = client()) {
            read(client, 1);
            read(client, 2);
        }
        assertThat(count("pageserver_tenant_throttling_count_accounted_start_global"))
                .isZero();
    }

    @Test
    void aShutdownDoesNotWaitForAThrottle() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, new ThrottleSettings(true, 0, Duration.ofDays(1), 1, 1));
        try (PagestreamClient client = client()) {
            ask(client, 0);
            client.flush();
            served.service.close();
            assertThat(client.read().sqlState()).isEqualTo("57P01");
        }
    }

    /** All that was asked before the end is answered; then comes the reason for it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 32, 200})
    void aShutdownAnswersWhatWasAsked(int requests) throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        try (PagestreamClient client = client()) {
            read(client, 0);
            for (int i = 0; i < requests; i++) {
                ask(client, i % 40);
            }
            client.flush();
            checkPage(client, 0);
            served.service.close();
            int answered = 1;
            PagestreamClient.Message message = client.read();
            while (message.type() == 'd') {
                answered++;
                message = client.read();
            }
            assertThat(message.sqlState()).isEqualTo("57P01");
            assertThat(answered).isEqualTo(requests);
        }
    }

    @Test
    void idleClientsCostNobodyAnything() throws Exception {
        manyClients(200);
    }

    @Test
    @Tag("long")
    void thousandsOfIdleClientsCostNobodyAnything() throws Exception {
        manyClients(3000);
    }

    private void manyClients(int count) throws Exception {
        serve(count + 4, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        List<PagestreamClient> idle = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                idle.add(client());
            }
            try (PagestreamClient active = client()) {
                for (int i = 0; i < 1000; i++) {
                    read(active, i % 40);
                }
            }
            for (PagestreamClient client : idle) {
                read(client, 3);
            }
        } finally {
            for (PagestreamClient client : idle) {
                client.close();
            }
        }
    }

    private static byte[] copied(PagestreamClient client, String command) throws IOException {
        client.query(command);
        PagestreamClient.Message message = client.read();
        assertThat(message.type()).as(message.errorMessage()).isEqualTo('H');
        assertThat(message.body()).isEqualTo(new byte[3]);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (message = client.read(); message.type() == 'd'; message = client.read()) {
            all.writeBytes(message.body());
        }
        assertThat(message.type()).isEqualTo('c');
        assertThat(client.read().type()).isEqualTo('C');
        assertThat(client.read().type()).isEqualTo('Z');
        return all.toByteArray();
    }

    @Test
    void baseBackupsSayFromWhereTheComputeGoesOn() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        served.write(new Lsn(0x3000)).resize(ServedPages.fork(100), 0, 1).finish();
        try (PagestreamClient client = new PagestreamClient(served.service.port())) {
            String newest = "compute 0/3000 At[lsn=0/2000] ".repeat(5000);
            assertThat(new String(copied(client, "basebackup " + IDS), StandardCharsets.UTF_8))
                    .isEqualTo(newest);
            assertThat(new String(copied(client, "basebackup " + IDS + " 0/3000"), StandardCharsets.UTF_8))
                    .isEqualTo(newest);
            assertThat(new String(copied(client, "basebackup " + IDS + " 0/2800 --replica"), StandardCharsets.UTF_8))
                    .startsWith("compute 0/2800 Unknown[]");
            byte[] gzip = copied(client, "basebackup " + IDS + " latest --gzip");
            assertThat(gzip.length).isLessThan(newest.length() / 10);
            assertThat(new String(
                            new GZIPInputStream(new ByteArrayInputStream(gzip)).readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(newest);
            client.query("fullbackup " + IDS + " 0/3000 0/1800");
            assertThat(client.read().errorMessage()).contains("0/3000", "ended at 0/2000, not at 0/1800");
            assertThat(client.read().type()).isEqualTo('Z');
            served.failing = true;
            client.query("basebackup " + IDS + " --gzip");
            PagestreamClient.Message message = client.read();
            ByteArrayOutputStream part = new ByteArrayOutputStream();
            while (message.type() != 'E') {
                assertThat(message.type()).as("no end of the COPY").isIn('H', 'd');
                part.writeBytes(message.type() == 'd' ? message.body() : new byte[0]);
                message = client.read();
            }
            assertThat(message.errorMessage()).contains("it is torn");
            assertThatThrownBy(() -> new GZIPInputStream(new ByteArrayInputStream(part.toByteArray())).readAllBytes())
                    .as("no end of the archive")
                    .isInstanceOf(IOException.class);
            assertThat(client.read().type()).isEqualTo('Z');
        }
    }

    @Test
    void leasesKeepWhatIsReadBelowTheCutoffAndTheOthersAreToldWhyNot() throws Exception {
        serve(8, Duration.ZERO, LONG, LONG, ThrottleSettings.NONE);
        served.write(new Lsn(0x3000)).resize(ServedPages.fork(100), 0, 1).finish();
        served.write(new Lsn(0x4000)).resize(ServedPages.fork(100), 0, 1).finish();
        String refusal =
                "cannot be read at 0/2000: its history is retained from 0/4000 to 0/4000; older history is kept as"
                        + " far as the settings pitr_interval and gc_horizon say";
        try (PagestreamClient commands = new PagestreamClient(served.service.port());
                PagestreamClient stream = client()) {
            commands.query("lease lsn " + IDS + " 0/3000 ");
            PagestreamClient.Message column = commands.read();
            assertThat(column.type()).isEqualTo('T');
            assertThat(HexFormat.of().formatHex(column.body()))
                    .isEqualTo("0001" + HexFormat.of().formatHex("valid_until\0".getBytes(StandardCharsets.UTF_8))
                            + "00000000" + "0000" + "00000019" + "ffff" + "ffffffff" + "0000");
            PagestreamClient.Message row = commands.read();
            assertThat(row.type()).isEqualTo('D');
            assertThat(HexFormat.of().formatHex(row.body()))
                    .isEqualTo("0001" + "0000000d"
                            + HexFormat.of().formatHex("1893456000123".getBytes(StandardCharsets.UTF_8)));
            assertThat(commands.read().body()).isEqualTo("SELECT 1\0".getBytes(StandardCharsets.UTF_8));
            assertThat(commands.read().type()).isEqualTo('Z');

            served.cutOff(new Lsn(0x4000));
            stream.page(0x3000, 0x3000, ServedPages.SPC, ServedPages.DB, 100, 0, 0);
            stream.page(0x2000, 0x2000, ServedPages.SPC, ServedPages.DB, 100, 0, 0);
            stream.flush();
            assertThat(stream.reply().get(0)).as("leased").isEqualTo((byte) 102);
            assertThat(new String(stream.reply().array(), StandardCharsets.UTF_8))
                    .contains("Bad request: timeline " + ServedPages.TIMELINE + " " + refusal);

            commands.query("lease lsn " + IDS + " 0/2000");
            PagestreamClient.Message warning = commands.read();
            assertThat(warning.type()).isEqualTo('N');
            assertThat(warning.errorMessage()).isEqualTo("timeline " + ServedPages.TIMELINE + " " + refusal);
            assertThat(commands.read().type()).isEqualTo('T');
            assertThat(HexFormat.of().formatHex(commands.read().body()))
                    .as("NULL")
                    .isEqualTo("0001" + "ffffffff");
            assertThat(commands.read().type()).isEqualTo('C');
            assertThat(commands.read().type()).isEqualTo('Z');

            commands.query("basebackup " + IDS + " 0/2000");
            assertThat(commands.read().errorMessage()).contains(refusal);
            assertThat(commands.read().type()).isEqualTo('Z');
        }
        String url = "jdbc:postgresql://127.0.0.1:" + served.service.port()
                + "/x?user=u&sslmode=disable&preferQueryMode=extended";
        try (Connection connection = DriverManager.getConnection(url);
                ResultSet row = connection.createStatement().executeQuery("lease lsn " + IDS + " 0/4000")) {
            assertThat(row.next()).isTrue();
            assertThat(row.getLong("valid_until")).isEqualTo(ServedPages.LEASED_UNTIL.toEpochMilli());
        }
    }
}
