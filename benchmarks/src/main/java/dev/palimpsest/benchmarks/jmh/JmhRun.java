package dev.palimpsest.benchmarks.jmh;

import java.nio.file.Path;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs JMH benchmarks with its GC profiler, in JVMs with the options of this one. */
public final class JmhRun {
    private static final String DIRECTORY = "palimpsest.bench.dir";

    private JmhRun() {}

    /**
     * Runs benchmarks, and prints what they measure to the standard output.
     *
     * @param patterns regular expressions, each to be found in the names of the benchmarks that it means; all if there is none
     * @param directory where benchmarks that write files may do so
     * @throws IllegalArgumentException if there is no such benchmark, or one failed
     */
    public static void run(List<String> patterns, Path directory) {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .jvmArgsAppend("-D" + DIRECTORY + "=" + directory.toAbsolutePath());
        patterns.forEach(options::include);
        try {
            new Runner(options.build()).run();
        } catch (RunnerException e) {
            throw new IllegalArgumentException(
                    "the benchmarks " + patterns + " could not be run: " + e.getMessage(), e);
        }
    }

    // In the JVM of a benchmark: where it may write files.
    static Path directory() {
        return Path.of(System.getProperty(DIRECTORY, "."));
    }
}
