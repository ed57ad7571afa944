package dev.palimpsest.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the server that say what of history is kept; null where one is not given. */
final class RetentionOptions {
    @Option(
            names = "--pitr-interval",
            paramLabel = "TIME",
            description = "one can go back to any moment of the last so long, such as 7d or 12h; default: 7d")
    private @Nullable String pitrInterval;

    @Option(
            names = "--gc-horizon",
            paramLabel = "SIZE",
            description = "so much WAL before the end of a branch is kept, whatever its age; default: 64MB")
    private @Nullable String gcHorizon;

    @Option(
            names = "--gc-period",
            paramLabel = "TIME",
            description = "how often what need not be kept is removed; 0 for never by itself; default: 1h")
    private @Nullable String gcPeriod;

    @Nullable
    String pitrInterval() {
        return pitrInterval;
    }

    @Nullable
    String gcHorizon() {
        return gcHorizon;
    }

    @Nullable
    String gcPeriod() {
        return gcPeriod;
    }
}
