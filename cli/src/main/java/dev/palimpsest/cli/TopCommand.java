package dev.palimpsest.cli;

import dev.palimpsest.pageserver.http.Responses;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code palimpsest top}: a server at work. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        description =
                "Show, again and again, what a server does: reads, ingest, object store, background work, and how branches "
                        + "stand. q ends it.")
final class TopCommand implements Callable<Integer> {
    private static final String CLEAR_AND_HOME = "\u001b[H";
    private static final String REST_OF_LINE = "\u001b[K";
    private static final String REST_OF_SCREEN = "\u001b[J";
    private static final int WIDE = 1000;
    private static final int TALL = 10_000;

    @Option(names = "--once", description = "show it once, without a terminal, and end")
    private boolean once;

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            defaultValue = "2",
            description = "over how many seconds rates are taken; default: ${DEFAULT-VALUE}")
    private double interval;

    @Mixin
    private ServerAddress server = new ServerAddress();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure, InterruptedException {
        if (!(interval >= 0.01 && interval <= 3600)) {
            throw new ParameterException(spec.commandLine(), "--interval is to be from 0.01 to 3600, not " + interval);
        }
        Duration pause = Duration.ofNanos((long) (interval * 1e9));
        try (ServerClient client = server.connect()) {
            if (once) {
                TopFrame.Sample before = sample(client);
                Thread.sleep(pause);
                PrintWriter out = spec.commandLine().getOut();
                frame(before, sample(client)).lines(TALL, WIDE).forEach(out::println);
                return 0;
            }
            try (Terminal terminal = Terminal.open(spec.commandLine().getOut())) {
                watch(client, terminal, pause);
            }
            return 0;
        }
    }

    private void watch(ServerClient client, Terminal terminal, Duration pause)
            throws IOException, ServerFailure, InterruptedException {
        TopFrame.Sample before = sample(client);
        while (!terminal.awaitKey('q', pause)) {
            TopFrame.Sample now = sample(client);
            Terminal.Size size = terminal.size();
            draw(frame(before, now).lines(size.rows(), size.columns()));
            before = now;
        }
    }

    private void draw(List<String> lines) {
        StringBuilder screen = new StringBuilder(CLEAR_AND_HOME);
        for (int i = 0; i < lines.size(); i++) {
            screen.append(i == 0 ? "" : "\r\n").append(lines.get(i)).append(REST_OF_LINE);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(screen.append(REST_OF_SCREEN));
        out.flush();
    }

    private TopFrame frame(TopFrame.Sample before, TopFrame.Sample now) {
        return new TopFrame(server.url().toString(), before, now);
    }

    private static TopFrame.Sample sample(ServerClient client) throws IOException, ServerFailure {
        Responses.Branches branches = client.get("/palimpsest/v1/branch", Responses.Branches.class);
        byte[] metrics = client.bytes("/metrics").body();
        return new TopFrame.Sample(
                Instant.now(), branches.branches(), new MetricsText(new String(metrics, StandardCharsets.UTF_8)));
    }
}
