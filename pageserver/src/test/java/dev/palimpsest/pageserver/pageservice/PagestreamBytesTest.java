package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.testkit.PagestreamClient;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests and replies of both versions, each byte as the reference of Neon's pagestream has it. */
class PagestreamBytesTest {
    /** Number of the request; request LSN, the newest; not modified since 0/2000. */
    private static final String V3 = "00000000000000ab" + "ffffffffffffffff" + "0000000000002000";

    private static final String V2 = "ffffffffffffffff" + "0000000000002000";
    private static final String FORK = "0000067f" + "00000005" + "00004000" + "00";

    @TempDir
    private static Path directory;

    private static ServedPages served;

    @BeforeAll
    static void open() throws Exception {
        served = new ServedPages(directory, PageServiceSettings.on("127.0.0.1", 0));
        served.write(new Lsn(0x2000)).create(ServedPages.fork(0x4000), 9).finish();
    }

    @AfterAll
    static void close() throws Exception {
        served.close();
    }

    private static String page(int block) {
        RelTag fork = ServedPages.fork(0x4000);
        return HexFormat.of().formatHex(ServedPages.page(ServedPages.text(fork, block, new Lsn(0x2000))));
    }

    private static String slru() {
        return HexFormat.of().formatHex(ServedPages.page("clog 0"))
                + HexFormat.of().formatHex(ServedPages.page("clog 1"));
    }

    private static String reply(int version, String request) throws Exception {
        try (PagestreamClient client = new PagestreamClient(served.service.port())) {
            client.open(version, ServedPages.TENANT, ServedPages.TIMELINE);
            client.data(ByteBuffer.wrap(HexFormat.of().parseHex(request)));
            client.flush();
            return HexFormat.of().formatHex(client.reply().array());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "00, 64, FORK, '', 01",
        "01, 65, FORK, '', 00000009",
        "02, 66, FORK00000007, '', PAGE7",
        "03, 68, 00000005, '', 0000000000012000",
        "04, 69, 0000000003, '', 00000002SLRU"
    })
    void bothVersions(String tag, String replyTag, String asked, String nothing, String answer) throws Exception {
        String body = asked.replace("FORK", FORK);
        String content = answer.replace("PAGE7", page(7)).replace("SLRU", slru());
        assertThat(reply(3, tag + V3 + body)).isEqualTo(replyTag + V3 + body + content);
        assertThat(reply(2, tag + V2 + body)).isEqualTo(replyTag + nothing + content);
        assertThat(reply(3, tag + V3 + body + "cafe"))
                .as("bytes after the end")
                .isEqualTo(replyTag + V3 + body + content);
    }

    @Test
    void errors() throws Exception {
        String body = "0000067f" + "00000005" + "00009999" + "00" + "00000007";
        String text = HexFormat.of()
                .formatHex(
                        "Not found: relation 1663/5/39321 does not exist at 0/2000\0".getBytes(StandardCharsets.UTF_8));
        assertThat(reply(3, "02" + V3 + body)).isEqualTo("67" + V3 + text);
        assertThat(reply(2, "02" + V2 + body)).isEqualTo("67" + text);
    }

    /** The known answers of the reference: what a page's request and reply look like on the wire, with all framing. */
    @Test
    void framing() throws Exception {
        try (PagestreamClient client = new PagestreamClient(served.service.port())) {
            client.query("pagestream_v3 " + ServedPages.TENANT + " " + ServedPages.TIMELINE);
            PagestreamClient.Message begun = client.read();
            assertThat(begun.type()).isEqualTo('W');
            assertThat(begun.body()).isEqualTo(new byte[3]);
            client.raw(HexFormat.of()
                    .parseHex("640000002e" + "02" + "0000000000000001" + "ffffffffffffffff" + "0000000000002000" + FORK
                            + "00000007"));
            client.flush();
            PagestreamClient.Message reply = client.read();
            assertThat(reply.type()).isEqualTo('d');
            assertThat(reply.body()).hasSize(8234);
        }
    }
}
