package dev.palimpsest.cli;

import dev.palimpsest.pageserver.endpoint.PrivatePostgres;
import dev.palimpsest.postgres.PostgresVersion;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of benchmarks that run a PostgreSQL. */
final class BenchedCluster {
    @Option(names = "--dir", description = "where to write; default: the current directory", defaultValue = ".")
    private Path directory = Path.of(".");

    @Option(names = "--pg-version", description = "14 to 18; default: the newest installed, or else 17")
    private @Nullable Integer version;

    Path directory() {
        return directory;
    }

    PostgresVersion version() {
        return PostgresVersion.ofMajor(version == null ? PrivatePostgres.newestInstalled() : version);
    }
}
