package dev.palimpsest.cli;

import dev.palimpsest.pageserver.retention.RetentionSettings;
import java.time.Duration;
import picocli.CommandLine.Option;

/** The options of the server that say what of history is kept. */
final class RetentionOptions {
    @Option(
            names = "--pitr-interval",
            paramLabel = "TIME",
            converter = DurationOption.class,
            description = "one can go back to any moment of the last so long, such as 7d or 12h; default: 7d")
    private Duration pitrInterval = RetentionSettings.DEFAULT.pitrInterval();

    @Option(
            names = "--gc-horizon",
            paramLabel = "SIZE",
            converter = SizeOption.class,
            description = "so much WAL before the end of a branch is kept, whatever its age; default: 64MB")
    private long gcHorizon = RetentionSettings.DEFAULT.gcHorizon();

    @Option(
            names = "--gc-period",
            paramLabel = "TIME",
            converter = DurationOption.class,
            description = "how often what need not be kept is removed; 0 for never by itself; default: 1h")
    private Duration gcPeriod = RetentionSettings.DEFAULT.gcPeriod();

    RetentionSettings settings() {
        return new RetentionSettings(pitrInterval, gcHorizon, gcPeriod, RetentionSettings.DEFAULT.leaseLength());
    }
}
