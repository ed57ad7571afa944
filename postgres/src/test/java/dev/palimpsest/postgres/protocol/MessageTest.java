package dev.palimpsest.postgres.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MessageTest {
    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static MessageBody body(byte[] bytes) {
        return new MessageBody(bytes, 0, bytes.length);
    }

    @Test
    void frontendMessagesByteByByte() {
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("user", "me");
        parameters.put("replication", "true");
        assertThat(hex(FrontendMessage.startup(parameters)))
                .isEqualTo("00000022" + "00030000"
                        + hex("user\0me\0replication\0true\0\0".getBytes(StandardCharsets.UTF_8)));
        assertThat(hex(FrontendMessage.sslRequest())).isEqualTo("0000000804d2162f");
        assertThat(hex(FrontendMessage.query("SHOW x"))).isEqualTo("510000000b" + "53484f57207800");
        assertThat(hex(FrontendMessage.password("é"))).isEqualTo("7000000007" + "c3a900");
        assertThat(hex(FrontendMessage.copyDone())).isEqualTo("6300000004");
        assertThat(hex(FrontendMessage.terminate())).isEqualTo("5800000004");
        assertThat(hex(FrontendMessage.saslInitialResponse("M", "ab")))
                .isEqualTo("700000000c" + "4d00" + "00000002" + "6162");
        assertThat(hex(FrontendMessage.saslResponse("ab"))).isEqualTo("7000000006" + "6162");
        assertThatThrownBy(() -> FrontendMessage.query("a\0b")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void standbyStatusByteByByte() {
        byte[] message = new byte[ReplicationMessage.STANDBY_STATUS_MESSAGE_SIZE];
        ReplicationMessage.putStandbyStatus(message, 0x1_00000003L, 0x1_00000002L, 0x1_00000001L, 5, true);
        assertThat(hex(message))
                .isEqualTo("6400000026" + "72" + "0000000100000003" + "0000000100000002" + "0000000100000001"
                        + "0000000000000005" + "01");
    }

    @Test
    void errorFields() throws Exception {
        byte[] bytes =
                "SFEHLER\0VERROR\0C42704\0Mgone\0Dmore\0Hdo it\0Ffile.c\0L12\0\0".getBytes(StandardCharsets.UTF_8);
        ServerError error = BackendMessage.error(body(bytes));
        assertThat(error).isEqualTo(new ServerError("ERROR", "42704", "gone", "more", "do it"));
        assertThat(error).hasToString("ERROR 42704: gone; DETAIL: more; HINT: do it");
        assertThat(error.isInClass("42")).isTrue();
        assertThat(error.isInClass("28")).isFalse();
    }

    @Test
    void rows() throws Exception {
        byte[] bytes = HexFormat.of().parseHex("0003" + "00000002" + "6162" + "ffffffff" + "00000000");
        assertThat(BackendMessage.row(body(bytes))).containsExactly("ab", null, "");
        assertThatThrownBy(() -> BackendMessage.row(body(HexFormat.of().parseHex("ffff"))))
                .isInstanceOf(MalformedMessageException.class);
        assertThatThrownBy(() -> BackendMessage.row(body(HexFormat.of().parseHex("0001fffffffe"))))
                .isInstanceOf(MalformedMessageException.class);
        assertThatThrownBy(() -> BackendMessage.row(body(HexFormat.of().parseHex("00017fffffff"))))
                .isInstanceOf(MalformedMessageException.class);
        assertThatThrownBy(() -> BackendMessage.row(body(HexFormat.of().parseHex("000000"))))
                .isInstanceOf(MalformedMessageException.class);
    }

    @Test
    void everyCutIsMalformed() throws Exception {
        byte[] row = HexFormat.of().parseHex("0003" + "00000002" + "6162" + "ffffffff" + "00000000");
        byte[] error = "VERROR\0C42704\0Mgone\0\0".getBytes(StandardCharsets.UTF_8);
        byte[] mechanisms = "SCRAM-SHA-256\0OTHER\0\0".getBytes(StandardCharsets.UTF_8);
        assertThat(BackendMessage.mechanisms(body(mechanisms))).containsExactly("SCRAM-SHA-256", "OTHER");
        for (int cut = 0; cut < row.length; cut++) {
            byte[] part = Arrays.copyOf(row, cut);
            assertThatThrownBy(() -> BackendMessage.row(body(part))).isInstanceOf(MalformedMessageException.class);
        }
        for (int cut = 0; cut < error.length; cut++) {
            byte[] part = Arrays.copyOf(error, cut);
            assertThatThrownBy(() -> BackendMessage.error(body(part))).isInstanceOf(MalformedMessageException.class);
        }
        for (int cut = 0; cut < mechanisms.length; cut++) {
            byte[] part = Arrays.copyOf(mechanisms, cut);
            assertThatThrownBy(() -> BackendMessage.mechanisms(body(part)))
                    .isInstanceOf(MalformedMessageException.class);
        }
    }

    /** Whatever the bytes, the decoders give a value or say that they are malformed. */
    @Test
    void noiseIsDecodedOrMalformed() {
        for (long seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            byte[] noise = new byte[random.nextInt(40)];
            random.nextBytes(noise);
            if (noise.length > 6 && random.nextBoolean()) {
                ByteBuffer.wrap(noise).putShort((short) random.nextInt(4)).putInt(random.nextInt(10) - 1);
            }
            try {
                if (random.nextBoolean()) {
                    assertThat(BackendMessage.row(body(noise))).isNotNull();
                } else {
                    assertThat(BackendMessage.error(body(noise)).sqlState()).isNotNull();
                }
            } catch (MalformedMessageException e) {
                assertThat(e).as("seed %d", seed).hasMessageMatching("(?s).+");
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
