package dev.palimpsest.pageserver.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.upstream.FakeServer.Script;
import dev.palimpsest.postgres.Lsn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;

/** Servers that are slow, die, or speak nonsense: always an exception that says so, never a hang. */
class BrokenServerTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Timeouts SHORT =
            new Timeouts(Duration.ofMillis(300), Duration.ofMillis(300), Duration.ofMillis(300));

    /** What the test does as the client. */
    private interface Client {
        void run(ReplicationConnection connection) throws UpstreamException;
    }

    private static Throwable connecting(Script script) throws Exception {
        try (FakeServer server = new FakeServer(script)) {
            try (ReplicationConnection connection = ReplicationConnection.connect(server.settings(), SHORT)) {
                return new AssertionError("connected: " + connection.serverVersion());
            } catch (UpstreamException e) {
                return e;
            }
        }
    }

    private static Throwable running(Script script, Client client) throws Exception {
        Script whole = c -> {
            c.login();
            script.run(c);
        };
        try (FakeServer server = new FakeServer(whole);
                ReplicationConnection connection = ReplicationConnection.connect(server.settings(), SHORT)) {
            try {
                client.run(connection);
                return new AssertionError("nothing went wrong");
            } catch (UpstreamException e) {
                return e;
            }
        }
    }

    @Test
    void duringTheLogin() throws Exception {
        assertThat(connecting(FakeServer.Conversation::idle))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("silent");
        assertThat(connecting(c -> {}))
                .isInstanceOf(CannotConnectException.class)
                .hasMessageContaining("closed");
        assertThat(connecting(c -> c.out.write(FakeServer.bytes("HTTP/1.1 400 Bad Request\r\n\r\n"))))
                .isInstanceOf(ProtocolBrokenException.class);
        assertThat(connecting(c -> {
                    c.takeStartup();
                    c.send('R', FakeServer.ints(7));
                    c.idle();
                }))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("gss");
        assertThat(connecting(c -> {
                    c.takeStartup();
                    c.send('R', FakeServer.ints(10), FakeServer.bytes("SCRAM-SHA-256\0\0"));
                    c.take();
                    c.send('R', FakeServer.ints(0));
                    c.idle();
                }))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("proof");
        assertThat(connecting(c -> {
                    c.takeStartup();
                    c.send('R', FakeServer.ints(10), FakeServer.bytes("SCRAM-SHA-256\0\0"));
                    c.take();
                    c.send('R', FakeServer.ints(11), FakeServer.bytes("r=other,s=AAAA,i=4096"));
                    c.idle();
                }))
                .isInstanceOf(AuthenticationException.class)
                .hasMessageContaining("SCRAM");
        assertThat(connecting(c -> {
                    c.takeStartup();
                    c.send('Z', FakeServer.bytes("I"));
                    c.idle();
                }))
                .isInstanceOf(ProtocolBrokenException.class);
        assertThat(connecting(c -> {
                    c.takeStartup();
                    c.error("FATAL", "57P03", "the database system is starting up");
                }))
                .isInstanceOfSatisfying(
                        ServerRefusedException.class,
                        e -> assertThat(e.is("57P03")).isTrue());
    }

    @Test
    void otherVersions() throws Exception {
        for (String version : List.of("13.4", "19devel", "9.6.1")) {
            assertThat(connecting(c -> {
                        c.takeStartup();
                        c.send('R', FakeServer.ints(0));
                        c.send('S', FakeServer.bytes("server_version\0" + version + "\0"));
                        c.send('Z', FakeServer.bytes("I"));
                        c.idle();
                    }))
                    .isInstanceOf(CannotConnectException.class)
                    .hasMessageContaining("PostgreSQL " + version + ", and only 14 to 18");
        }
    }

    @Test
    void messagesTooLongOrTooShort() throws Exception {
        for (int length : new int[] {0, 3, -1, Integer.MAX_VALUE, Wire.MAX_MESSAGE}) {
            assertThat(running(
                            c -> {
                                c.take();
                                c.out.write('D');
                                c.out.writeInt(length);
                                c.out.flush();
                                c.idle();
                            },
                            ReplicationConnection::identifySystem))
                    .isInstanceOf(ProtocolBrokenException.class)
                    .hasMessageContaining("length");
        }
    }

    @Test
    void answersThatStall() throws Exception {
        assertThat(running(FakeServer.Conversation::idle, ReplicationConnection::identifySystem))
                .isInstanceOf(ConnectionLostException.class)
                .hasMessageContaining("silent");
        assertThat(running(
                        c -> {
                            c.take();
                            c.out.write(FakeServer.bytes("T\0\0"));
                            c.out.flush();
                        },
                        ReplicationConnection::identifySystem))
                .isInstanceOf(ConnectionLostException.class)
                .hasMessageContaining("in the middle of a message");
    }

    @Test
    void answersThatMakeNoSense() throws Exception {
        for (List<String> row : List.of(
                List.of("1"), List.of("x", "1", "0/1"), List.of("1", "1", "nowhere"), List.of("1", "", "0/1"))) {
            assertThat(running(
                            c -> {
                                c.take();
                                c.send('T', new byte[2]);
                                c.row(row.toArray(String[]::new));
                                c.send('C', FakeServer.bytes("IDENTIFY_SYSTEM\0"));
                                c.send('Z', FakeServer.bytes("I"));
                                c.idle();
                            },
                            ReplicationConnection::identifySystem))
                    .isInstanceOf(ProtocolBrokenException.class);
        }
    }

    @Test
    void gapsAndRepetitionsInWal() throws Exception {
        for (long second : new long[] {0x1000, 0x1063, 0x1065, 0}) {
            assertThat(running(
                            c -> {
                                c.startStreaming();
                                c.wal(0x1000, 100);
                                c.wal(second, 100);
                                c.idle();
                            },
                            connection -> {
                                WalStream stream = connection.startReplication(null, new Lsn(0x1000), 1);
                                assertThat(stream.receive(SOON)).isEqualTo(WalStream.Event.WAL);
                                assertThat(stream.length()).isEqualTo(100);
                                stream.receive(SOON);
                            }))
                    .isInstanceOf(ProtocolBrokenException.class)
                    .hasMessageContaining("0/1064 should come");
        }
    }

    @Test
    void streamMessagesOfOtherShapes() throws Exception {
        for (String body : List.of(
                "", "w", "k", "kkkkkkkkkkkkkkkkk", "z0000000000000000000000000000", "wwwwwwwwwwwwwwwwwwwwwwwww")) {
            assertThat(running(
                            c -> {
                                c.startStreaming();
                                c.send('d', FakeServer.bytes(body));
                                c.idle();
                            },
                            connection -> connection
                                    .startReplication(null, new Lsn(0x1000), 1)
                                    .receive(SOON)))
                    .as(body)
                    .isInstanceOf(ProtocolBrokenException.class);
        }
    }

    /** WAL cut into pieces of any size on its way arrives as it was sent. */
    @Test
    void walInDribs() throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            int messages = 30;
            int[] lengths = random.ints(messages, 1, 131072).toArray();
            Script script = c -> {
                c.login();
                c.startStreaming();
                long at = 0x5000;
                ByteArrayOutputStream all = new ByteArrayOutputStream();
                for (int length : lengths) {
                    all.write('d');
                    all.writeBytes(FakeServer.ints(4 + 25 + length));
                    all.write('w');
                    all.writeBytes(FakeServer.longs(at, at + length, 7));
                    byte[] wal = new byte[length];
                    Arrays.fill(wal, (byte) length);
                    all.writeBytes(wal);
                    at += length;
                }
                byte[] bytes = all.toByteArray();
                Random cuts = new Random(length(lengths));
                for (int from = 0; from < bytes.length; ) {
                    int count = Math.min(1 + cuts.nextInt(200_000), bytes.length - from);
                    c.out.write(bytes, from, count);
                    c.out.flush();
                    from += count;
                }
                c.idle();
            };
            try (FakeServer server = new FakeServer(script);
                    ReplicationConnection connection = ReplicationConnection.connect(server.settings(), SHORT)) {
                WalStream stream = connection.startReplication(null, new Lsn(0x5000), 1);
                assertThat(stream.endLsn()).isEqualTo(new Lsn(0x5000));
                for (int length : lengths) {
                    assertThat(stream.receive(SOON)).as("seed %d", seed).isEqualTo(WalStream.Event.WAL);
                    assertThat(stream.length()).as("seed %d", seed).isEqualTo(length);
                    for (int i = 0; i < length; i++) {
                        if (stream.array()[stream.offset() + i] != (byte) length) {
                            throw new AssertionError("seed " + seed + ": byte " + i + " of " + length);
                        }
                    }
                }
                assertThat(stream.receive(Duration.ZERO)).isEqualTo(WalStream.Event.NOTHING);
                assertThat(stream.receive(Duration.ofMillis(5))).isEqualTo(WalStream.Event.NOTHING);
            }
        }
    }

    private static long length(int[] lengths) {
        return Arrays.stream(lengths).asLongStream().sum();
    }

    @Test
    void closingWakesTheReceiver() throws Exception {
        CountDownLatch streaming = new CountDownLatch(1);
        Script script = c -> {
            c.login();
            c.startStreaming();
            c.idle();
        };
        try (FakeServer server = new FakeServer(script)) {
            ReplicationConnection connection = ReplicationConnection.connect(server.settings());
            CompletableFuture<Throwable> woken = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    WalStream stream = connection.startReplication(null, new Lsn(0x1000), 1);
                    streaming.countDown();
                    stream.receive(Duration.ofHours(1));
                    woken.complete(new AssertionError("something came"));
                } catch (UpstreamException | RuntimeException e) {
                    woken.complete(e);
                }
            });
            streaming.await();
            connection.close();
            assertThat(woken.get(20, TimeUnit.SECONDS))
                    .isInstanceOf(ConnectionLostException.class)
                    .hasMessageContaining("closed on this side");
            connection.close();
        }
    }

    @Test
    void interruptingWakesTheReceiver() throws Exception {
        CountDownLatch streaming = new CountDownLatch(1);
        Script script = c -> {
            c.login();
            c.startStreaming();
            c.idle();
        };
        try (FakeServer server = new FakeServer(script);
                ReplicationConnection connection = ReplicationConnection.connect(server.settings())) {
            CompletableFuture<Throwable> woken = new CompletableFuture<>();
            Thread receiver = Thread.ofVirtual().start(() -> {
                try {
                    WalStream stream = connection.startReplication(null, new Lsn(0x1000), 1);
                    streaming.countDown();
                    stream.receive(Duration.ofHours(1));
                    woken.complete(new AssertionError("something came"));
                } catch (UpstreamException | RuntimeException e) {
                    woken.complete(e);
                }
            });
            streaming.await();
            receiver.interrupt();
            assertThat(woken.get(20, TimeUnit.SECONDS))
                    .isInstanceOf(ConnectionLostException.class)
                    .hasMessageContaining("interrupted");
            assertThat(connection.isOpen()).isFalse();
        }
    }

    @Test
    void statusIsNotSentIntoACommand() throws Exception {
        Script script = c -> {
            c.login();
            c.startStreaming();
            c.send('c');
            assertThat(c.take()).isEmpty();
            c.send('T', new byte[2]);
            c.row("2", "0/1000");
            c.send('C', FakeServer.bytes("SELECT\0"));
            c.send('C', FakeServer.bytes("START_STREAMING\0"));
            c.send('Z', FakeServer.bytes("I"));
            assertThat(c.take()).isEqualTo("SHOW wal_level\0");
            c.send('T', new byte[2]);
            c.row("replica");
            c.send('C', FakeServer.bytes("SHOW\0"));
            c.send('Z', FakeServer.bytes("I"));
            c.idle();
        };
        try (FakeServer server = new FakeServer(script);
                ReplicationConnection connection = ReplicationConnection.connect(server.settings(), SHORT)) {
            WalStream stream = connection.startReplication(null, new Lsn(0x1000), 1);
            assertThat(stream.receive(SOON)).isEqualTo(WalStream.Event.END);
            assertThat(stream.end()).isEqualTo(new StreamEnd.NextTimeline(2, new Lsn(0x1000)));
            stream.sendStatus(new Lsn(0x1000), new Lsn(0x1000), new Lsn(0x1000), WalStream.ReplyRequest.WANTED);
            assertThat(connection.show("wal_level")).isEqualTo("replica");
            assertThatThrownBy(() ->
                            stream.sendStatus(new Lsn(1), new Lsn(2), new Lsn(1), WalStream.ReplyRequest.NOT_WANTED))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static byte[] archive(String path, int size) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            TarArchiveEntry entry = new TarArchiveEntry(path, true);
            entry.setSize(size);
            tar.putArchiveEntry(entry);
            tar.write(new byte[size]);
            tar.closeArchiveEntry();
        }
        return bytes.toByteArray();
    }

    private static void backupStart(FakeServer.Conversation c) throws IOException {
        c.take();
        c.send('T', new byte[2]);
        c.row("0/2000028", "1");
        c.send('C', FakeServer.bytes("SELECT\0"));
        c.send('T', new byte[2]);
        c.send('D', new byte[] {0, 3}, FakeServer.ints(-1, -1, 1), FakeServer.bytes("9"));
        c.send('C', FakeServer.bytes("SELECT\0"));
        c.send('H', new byte[3]);
    }

    private static void readAll(ReplicationConnection connection) throws UpstreamException {
        BaseBackupStream backup = connection.baseBackup(BackupOptions.fast("x"));
        byte[] buffer = new byte[100];
        BackupEntry entry = backup.next();
        while (entry != null) {
            while (backup.read(buffer, 0, buffer.length) > 0) {
                assertThat(entry.path()).isNotEmpty();
            }
            entry = backup.next();
        }
    }

    @Test
    void backupsThatAreCutOff() throws Exception {
        byte[] archive = archive("base/1/1259", 8192);
        for (int cut : new int[] {100, 512, 700, 512 + 8191}) {
            Script script = c -> {
                backupStart(c);
                c.send('d', FakeServer.bytes("nbase.tar\0\0"));
                c.send('d', FakeServer.bytes("d"), Arrays.copyOf(archive, cut));
                c.send('c');
                c.idle();
            };
            assertThat(running(script, BrokenServerTest::readAll))
                    .as("cut at %d", cut)
                    .isInstanceOf(ProtocolBrokenException.class);
            assertThat(running(script, connection -> {
                        BaseBackupStream backup = connection.baseBackup(BackupOptions.fast("x"));
                        while (backup.next() != null) {
                            assertThat(backup.receivedBytes()).isPositive();
                        }
                    }))
                    .as("skipped, cut at %d", cut)
                    .isInstanceOf(ProtocolBrokenException.class);
        }
    }

    @Test
    void backupsThatMakeNoSense() throws Exception {
        byte[] archive = archive("../etc/passwd", 10);
        for (Script end : List.<Script>of(
                c -> c.send('d', FakeServer.bytes("nother.tar\0\0")),
                c -> c.send('d', FakeServer.bytes("n77.tar\0\0")),
                c -> c.send('d', FakeServer.bytes("nbase.tar")),
                c -> c.send('d', FakeServer.bytes("dxxx")),
                c -> c.send('d', FakeServer.bytes("q")),
                c -> c.send('d'),
                c -> c.send('D', new byte[2]),
                c -> c.send('c'),
                c -> {
                    c.send('d', FakeServer.bytes("nbase.tar\0\0"));
                    c.send('d', FakeServer.bytes("d"), archive);
                })) {
            assertThat(running(
                            c -> {
                                backupStart(c);
                                end.run(c);
                                c.idle();
                            },
                            BrokenServerTest::readAll))
                    .isInstanceOf(ProtocolBrokenException.class);
        }
    }

    @Test
    void backupsThatFailOrStall() throws Exception {
        assertThat(running(
                        c -> {
                            backupStart(c);
                            c.send('d', FakeServer.bytes("nbase.tar\0\0"));
                            c.error("ERROR", "58P01", "could not open file");
                            c.send('Z', FakeServer.bytes("I"));
                            c.idle();
                        },
                        BrokenServerTest::readAll))
                .isInstanceOfSatisfying(
                        ServerRefusedException.class,
                        e -> assertThat(e.sqlState()).isEqualTo("58P01"));
        assertThat(running(
                        c -> {
                            backupStart(c);
                            c.send('d', FakeServer.bytes("nbase.tar\0\0"));
                            c.idle();
                        },
                        BrokenServerTest::readAll))
                .isInstanceOf(ConnectionLostException.class)
                .hasMessageContaining("silent");
    }
}
