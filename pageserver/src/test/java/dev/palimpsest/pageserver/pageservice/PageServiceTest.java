package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.testkit.PagestreamClient;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

class PageServiceTest {
    private static final long LATEST = PagestreamClient.LATEST;
    private static final int SPC = ServedPages.SPC;
    private static final int DB = ServedPages.DB;

    @TempDir
    private Path directory;

    private ServedPages served;

    @BeforeEach
    void open() throws Exception {
        PageServiceSettings settings = new PageServiceSettings(
                "127.0.0.1",
                0,
                8,
                100,
                Duration.ofMinutes(1),
                Duration.ofMinutes(5),
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ofMillis(200),
                32,
                ThrottleSettings.NONE);
        served = new ServedPages(directory, settings);
    }

    @AfterEach
    void close() throws Exception {
        served.close();
    }

    private PagestreamClient client(int version) throws IOException {
        PagestreamClient client = new PagestreamClient(served.service.port());
        client.open(version, ServedPages.TENANT, ServedPages.TIMELINE);
        return client;
    }

    private static Lsn lsn(long value) {
        return new Lsn(value);
    }

    /** What comes after what was asked, of a reply of this kind. */
    private static ByteBuffer content(PagestreamClient client, int tag, int askedSize) throws IOException {
        client.flush();
        ByteBuffer reply = client.reply();
        assertThat(reply.get(0)).as("tag").isEqualTo((byte) tag);
        reply.position(client.headerSize() + (client.headerSize() > 1 ? askedSize : 0));
        return reply;
    }

    private static String error(PagestreamClient client) throws IOException {
        ByteBuffer content = content(client, 103, 0);
        byte[] text = new byte[content.remaining() - 1];
        content.get(text);
        assertThat(content.get()).isZero();
        return new String(text, StandardCharsets.UTF_8);
    }

    private static byte[] page(PagestreamClient client, long requestLsn, long since, int rel, int block)
            throws IOException {
        client.page(requestLsn, since, SPC, DB, rel, 0, block);
        byte[] page = new byte[8192];
        content(client, 102, 17).get(page);
        return page;
    }

    private static byte[] expected(int rel, int block, long at) {
        return ServedPages.page(ServedPages.text(ServedPages.fork(rel), block, lsn(at)));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void everyRequestIsAnswered(int version) throws Exception {
        served.write(lsn(0x2000))
                .create(ServedPages.fork(100), 3)
                .create(new RelTag(1700, DB, 7, 0), 2)
                .finish();
        try (PagestreamClient client = client(version)) {
            client.exists(LATEST, 0, SPC, DB, 100, 0);
            assertThat(content(client, 100, 13).get()).isOne();
            client.exists(LATEST, 0, SPC, DB, 101, 0);
            assertThat(content(client, 100, 13).get()).isZero();
            client.nblocks(LATEST, 0, SPC, DB, 100, 0);
            assertThat(content(client, 101, 13).getInt()).isEqualTo(3);
            client.nblocks(LATEST, 0, SPC, DB, 100, 2);
            assertThat(content(client, 101, 13).getInt())
                    .as("a map that is not there")
                    .isZero();
            assertThat(page(client, LATEST, 0, 100, 2)).isEqualTo(expected(100, 2, 0x2000));
            assertThat(page(client, LATEST, 0, 100, 3)).as("behind the end").isEqualTo(new byte[8192]);
            client.databaseSize(LATEST, 0, DB);
            assertThat(content(client, 104, 4).getLong())
                    .as("in all tablespaces")
                    .isEqualTo(5 * 8192);
            client.slruSegment(LATEST, 0, 0, 3);
            ByteBuffer segment = content(client, 105, 5);
            assertThat(segment.getInt()).isEqualTo(2);
            byte[] pages = new byte[2 * 8192];
            segment.get(pages);
            assertThat(ByteBuffer.wrap(pages, 8192, 8192)).isEqualTo(ByteBuffer.wrap(ServedPages.page("clog 1")));
        }
    }

    @Test
    void whatCannotBeAnsweredIsRefusedAndTheStreamGoesOn() throws Exception {
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 1).finish();
        served.readableFrom = lsn(0x1800);
        try (PagestreamClient client = client(3)) {
            client.page(LATEST, 0, SPC, DB, 999, 0, 0);
            assertThat(error(client)).contains("Not found", "1663/5/999");
            client.nblocks(LATEST, 0, SPC, DB, 999, 0);
            assertThat(error(client)).contains("Not found");
            client.exists(LATEST, 0, SPC, DB, 0, 0);
            assertThat(error(client)).contains("Bad request");
            client.page(0, 0, SPC, DB, 100, 0, 0);
            assertThat(error(client)).contains("Bad request", "0/0");
            client.page(0x2000, 0x2008, SPC, DB, 100, 0, 0);
            assertThat(error(client)).contains("Bad request", "0/2000", "0/2008");
            client.page(0x1400, 0, SPC, DB, 100, 0, 0);
            assertThat(error(client)).contains("Bad request", "consistent from 0/1800");
            client.slruSegment(LATEST, 0, 9, 0);
            assertThat(error(client)).contains("Bad request");
            client.slruSegment(LATEST, 0, 0, 8);
            assertThat(error(client)).contains("Not found", "pg_xact");
            client.page(LATEST, 0x3000, SPC, DB, 100, 0, 0);
            assertThat(error(client)).contains("LSN timeout", "0/2000");
            assertThat(page(client, LATEST, 0, 100, 0)).isEqualTo(expected(100, 0, 0x2000));
        }
    }

    @Test
    void readsAreAsOfTheLsnThatWasAskedFor() throws Exception {
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 2).finish();
        served.write(lsn(0x3000)).resize(ServedPages.fork(100), 0, 1).finish();
        served.write(lsn(0x4000)).drop(ServedPages.fork(100)).finish();
        try (PagestreamClient client = client(3)) {
            assertThat(page(client, 0x2000, 0, 100, 1)).isEqualTo(expected(100, 1, 0x2000));
            assertThat(page(client, 0x2fff, 0x2000, 100, 0)).isEqualTo(expected(100, 0, 0x2000));
            assertThat(page(client, 0x3000, 0, 100, 0)).isEqualTo(expected(100, 0, 0x3000));
            assertThat(page(client, 0x3000, 0, 100, 1)).as("cut off").isEqualTo(new byte[8192]);
            client.page(LATEST, 0, SPC, DB, 100, 0, 0);
            assertThat(error(client)).contains("does not exist");
        }
    }

    @Test
    void aReadWaitsForWhatItNeeds() throws Exception {
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 1).finish();
        served.close();
        served = new ServedPages(directory.resolve("patient"), PageServiceSettings.on("127.0.0.1", 0));
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 1).finish();
        try (PagestreamClient client = client(3)) {
            client.page(LATEST, 0x2800, SPC, DB, 100, 0, 0);
            client.flush();
            CompletableFuture<ByteBuffer> reply = CompletableFuture.supplyAsync(() -> {
                try {
                    return client.reply();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            served.write(lsn(0x2800)).resize(ServedPages.fork(100), 0, 1).finish();
            byte[] page = new byte[8192];
            reply.join().position(25 + 17).get(page);
            assertThat(page).isEqualTo(expected(100, 0, 0x2800));
        }
    }

    @Test
    void manyRequestsAtOnceAreReadTogetherAndAnsweredInTheirOrder() throws Exception {
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 50).finish();
        Random random = new Random(1);
        try (PagestreamClient client = client(3)) {
            int count = 1000;
            int[] blocks = new int[count];
            for (int i = 0; i < count; i++) {
                blocks[i] = random.nextInt(55);
                client.page(LATEST, 0, SPC, DB, i % 10 == 9 ? 77 : 100, 0, blocks[i]);
            }
            client.flush();
            for (int i = 0; i < count; i++) {
                ByteBuffer reply = client.reply();
                assertThat(reply.getLong(1)).as("number").isEqualTo(i + 1);
                if (i % 10 == 9) {
                    assertThat(reply.get(0)).isEqualTo((byte) 103);
                } else {
                    byte[] page = new byte[8192];
                    reply.position(25 + 17).get(page);
                    assertThat(page).isEqualTo(blocks[i] < 50 ? expected(100, blocks[i], 0x2000) : new byte[8192]);
                }
            }
        }
        assertThat(served.batches()).isBetween(count(1000 / 32), 500.0);
    }

    private static double count(int least) {
        return least;
    }

    /** The request of the known-answer vectors of Neon's protocol, and what they say of an error. */
    @Test
    void theBytesAreThoseOfNeonsProtocol() throws Exception {
        byte[] request = HexFormat.of()
                .parseHex("020000000000000001ffffffffffffffff00000000016b5a500000067f00000005000040000000000007");
        try (PagestreamClient client = client(3)) {
            client.data(ByteBuffer.wrap(request));
            client.flush();
            byte[] reply = client.reply().array();
            assertThat(HexFormat.of().formatHex(reply, 0, 25))
                    .isEqualTo("670000000000000001ffffffffffffffff00000000016b5a50");
            assertThat(reply[reply.length - 1]).isZero();
        }
    }

    @Test
    void whatBreaksTheProtocolEndsTheConnectionAndNothingElse() throws Exception {
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 1).finish();
        try (PagestreamClient good = client(3)) {
            for (int seed = 0; seed < 200; seed++) {
                Random random = new Random(seed);
                try (PagestreamClient client =
                        seed % 2 == 0 ? client(3) : new PagestreamClient(served.service.port())) {
                    byte[] garbage = new byte[1 + random.nextInt(200)];
                    random.nextBytes(garbage);
                    if (random.nextBoolean()) {
                        garbage[0] = "dQPBDECSXHcf".getBytes(StandardCharsets.US_ASCII)[random.nextInt(12)];
                    }
                    if (random.nextBoolean() && garbage.length > 5) {
                        ByteBuffer.wrap(garbage).putInt(1, garbage.length - 1);
                    }
                    client.raw(garbage);
                    client.flush();
                }
            }
            assertThat(page(good, LATEST, 0, 100, 0)).isEqualTo(expected(100, 0, 0x2000));
        }
        try (PagestreamClient client = client(3)) {
            client.page(LATEST, 0, SPC, DB, 100, 0, 0);
            client.data(ByteBuffer.wrap(new byte[] {77}));
            client.flush();
            assertThat(client.reply().get(0)).as("what came before is answered").isEqualTo((byte) 102);
            PagestreamClient.Message last = client.read();
            assertThat(last.type()).isEqualTo('E');
            assertThat(last.sqlState()).isEqualTo("08P01");
            assertThatThrownBy(client::read).isInstanceOf(EOFException.class);
        }
        try (PagestreamClient client = new PagestreamClient(served.service.port())) {
            client.raw(new byte[] {'Q', 0x7f, 0, 0, 0});
            client.flush();
            assertThat(client.read().errorMessage()).contains("2130706432 bytes");
        }
    }

    @Test
    void wrongCommandsAreToldAndTheConnectionGoesOn() throws Exception {
        try (PagestreamClient client = new PagestreamClient(served.service.port())) {
            for (String wrong : new String[] {
                "select 1",
                "",
                "pagestream_v3",
                "pagestream_v3 x y",
                "pagestream_v4 " + ServedPages.TENANT + " " + ServedPages.TIMELINE,
                "pagestream_v3 " + ServedPages.TENANT + " 00000000000000000000000000000009",
                "fullbackup " + ServedPages.TENANT + " " + ServedPages.TIMELINE + " 12"
            }) {
                client.query(wrong);
                assertThat(client.read().type()).as(wrong).isEqualTo('E');
                assertThat(client.read().type()).as(wrong).isEqualTo('Z');
            }
            client.query("SET x TO y");
            assertThat(client.read().type()).isEqualTo('C');
        }
    }

    @Test
    void theJdbcDriverCanGiveCommandsInBothProtocols() throws Exception {
        for (String mode : new String[] {"simple", "extended"}) {
            String url = "jdbc:postgresql://127.0.0.1:" + served.service.port()
                    + "/x?user=u&sslmode=disable&preferQueryMode=" + mode;
            try (Connection connection = DriverManager.getConnection(url)) {
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                connection
                        .unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyOut("fullbackup " + ServedPages.TENANT + " " + ServedPages.TIMELINE, out);
                assertThat(out.size()).isEqualTo(100_000);
                assertThatThrownBy(() -> connection.createStatement().execute("vacuum"))
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("unknown command 'vacuum'");
                connection.createStatement().execute("set a to b");
            }
        }
    }

    @Test
    void noMoreClientsAreTakenThanThereMayBe() throws Exception {
        PagestreamClient[] clients = new PagestreamClient[8];
        for (int i = 0; i < clients.length; i++) {
            clients[i] = client(3);
        }
        assertThatThrownBy(() -> new PagestreamClient(served.service.port()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("too many clients already");
        for (PagestreamClient client : clients) {
            client.close();
        }
    }

    @Test
    void aShutdownEndsThoseWhoWait() throws Exception {
        served.close();
        served = new ServedPages(directory.resolve("patient"), PageServiceSettings.on("127.0.0.1", 0));
        served.write(lsn(0x2000)).create(ServedPages.fork(100), 1).finish();
        try (PagestreamClient waiting = client(3);
                PagestreamClient idle = client(3)) {
            assertThat(page(idle, LATEST, 0, 100, 0)).isEqualTo(expected(100, 0, 0x2000));
            waiting.page(LATEST, 0, SPC, DB, 100, 0, 0);
            waiting.page(LATEST, 0x9000, SPC, DB, 100, 0, 0);
            waiting.flush();
            served.service.close();
            PagestreamClient.Message message = waiting.read();
            while (message.type() == 'd') {
                message = waiting.read();
            }
            assertThat(message.sqlState()).isEqualTo("57P01");
            PagestreamClient.Message last = idle.read();
            assertThat(last.type()).as("an idle client is told too").isEqualTo('E');
            assertThat(last.sqlState()).isEqualTo("57P01");
            assertThatThrownBy(idle::read).isInstanceOf(EOFException.class);
        }
    }
}
