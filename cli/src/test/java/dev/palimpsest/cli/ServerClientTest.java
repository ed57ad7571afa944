package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.pageserver.branch.AttachProgress;
import dev.palimpsest.pageserver.http.FakeBranches;
import dev.palimpsest.pageserver.http.HttpApi;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sending bodies of any length, over real HTTP. */
class ServerClientTest {
    private static final String PATH = "/palimpsest/v1/adopt/";

    private final FakeBranches branches = new FakeBranches().withProd();
    private final HttpApi api = new HttpApi(branches, "127.0.0.1", 0);

    @BeforeEach
    void start() throws IOException {
        api.start();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private ServerClient client() throws ServerFailure {
        return new ServerClient(URI.create("http://127.0.0.1:" + api.port()), Optional.empty(), Optional.empty());
    }

    @Test
    void aBodyArrivesAsAWhole() throws Exception {
        SplittableRandom random = new SplittableRandom(3);
        long[] sent = new long[1];
        try (ServerClient client = client()) {
            AttachProgress progress = client.upload(
                    PATH + "new",
                    HttpApi.TAR_TYPE,
                    out -> {
                        while (sent[0] < 5_000_000) {
                            byte[] piece = new byte[random.nextInt(1, 600_000)];
                            random.nextBytes(piece);
                            out.write(piece);
                            out.write(7);
                            sent[0] += piece.length + 1;
                        }
                    },
                    AttachProgress.class);
            assertThat(progress.receivedBytes()).isEqualTo(sent[0]);
        }
    }

    @Test
    void whatTheServerRefusesIsNotEvenMade() throws Exception {
        UploadBody.Writer never = out -> {
            throw new AssertionError("the server did not ask for it");
        };
        try (ServerClient client = client()) {
            assertThatThrownBy(() -> client.upload(PATH + "prod", HttpApi.TAR_TYPE, never, AttachProgress.class))
                    .isInstanceOf(ServerFailure.class)
                    .hasMessage("there is a branch prod already");
            api.close();
            assertThatThrownBy(() -> client.upload(PATH + "new", HttpApi.TAR_TYPE, never, AttachProgress.class))
                    .isInstanceOf(ServerFailure.class)
                    .hasMessageContaining("there is no server at");
        }
    }

    /** It ends, though there would be no end of the body. */
    @Test
    void aServerThatWantsNoMoreEndsIt() throws Exception {
        branches.adoptReads = 1_000_000;
        CountDownLatch ended = new CountDownLatch(1);
        try (ServerClient client = client()) {
            assertThatThrownBy(() -> client.upload(
                            PATH + "new",
                            HttpApi.TAR_TYPE,
                            out -> {
                                try {
                                    while (ended.getCount() > 0) {
                                        out.write(new byte[100_000]);
                                    }
                                } finally {
                                    ended.countDown();
                                }
                            },
                            AttachProgress.class))
                    .isInstanceOfAny(ServerFailure.class, ServerClient.ConnectionBrokenException.class);
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(client.get(PATH + "new", AttachProgress.class).failure()).isEqualTo("it is damaged");
        }
    }

    @Test
    void aBodyThatCannotBeMadeIsNotTakenForAWhole() throws Exception {
        try (ServerClient client = client()) {
            assertThatThrownBy(() -> client.upload(
                            PATH + "new",
                            HttpApi.TAR_TYPE,
                            out -> {
                                out.write(new byte[1_000_000]);
                                throw new IOException("base.tar cannot be read");
                            },
                            AttachProgress.class))
                    .isInstanceOf(IOException.class)
                    .hasMessage("base.tar cannot be read");
            assertThat(branches.adoptBrokeOff.await(60, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(() -> client.upload(
                            PATH + "other",
                            HttpApi.TAR_TYPE,
                            out -> {
                                throw new IllegalStateException("a bug");
                            },
                            AttachProgress.class))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("a bug");
            assertThat(branches.calls).isEmpty();
        }
    }
}
