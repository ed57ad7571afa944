package dev.palimpsest.pageserver.branch;

import dev.palimpsest.testkit.PostgresServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Debian's {@code pg_dumpall}, where one is installed that is not older than the server: the binaries of the tests come
 * without.
 *
 * @param program its path
 */
record PgDump(Path program) {
    private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

    /** The oldest one that can dump this major version. */
    static Optional<PgDump> of(int major) throws IOException {
        if (!Files.isDirectory(DEBIAN)) {
            return Optional.empty();
        }
        Path found = null;
        int best = Integer.MAX_VALUE;
        try (DirectoryStream<Path> versions = Files.newDirectoryStream(DEBIAN, "[0-9]*")) {
            for (Path version : versions) {
                int number = Integer.parseInt(version.getFileName().toString());
                Path program = version.resolve("bin/pg_dumpall");
                if (number >= major && number < best && Files.isExecutable(program)) {
                    found = program;
                    best = number;
                }
            }
        }
        return Optional.ofNullable(found).map(PgDump::new);
    }

    /**
     * Dumps the whole cluster. Left out are the values of sequences, which are logged ahead, where tablespaces lie, what is in
     * unlogged tables, and keys that are random.
     */
    String dump(int port) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("palimpsest-pg_dumpall", ".log");
        try {
            Process process = new ProcessBuilder(
                            program.toString(),
                            "-h",
                            "127.0.0.1",
                            "-p",
                            Integer.toString(port),
                            "-U",
                            PostgresServer.USER,
                            "--no-unlogged-table-data")
                    .redirectError(errors.toFile())
                    .start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException(program + " failed: " + Files.readString(errors));
            }
            return text.lines()
                    .filter(line -> !line.startsWith("\\restrict ") && !line.startsWith("\\unrestrict "))
                    .map(line ->
                            line.startsWith("SELECT pg_catalog.setval(") ? line.replaceAll(", \\d+, ", ", N, ") : line)
                    .map(line ->
                            line.startsWith("CREATE TABLESPACE") ? line.replaceAll("LOCATION '.*'", "LOCATION") : line)
                    .collect(Collectors.joining("\n"));
        } finally {
            Files.delete(errors);
        }
    }

    /** The program and why it is used, or why not, for the report of a test. */
    static String describe(int major) throws IOException {
        return of(major)
                .map(found -> "compared with " + found.program + " too")
                .orElse("no pg_dumpall of PostgreSQL " + major + " or newer is installed in " + DEBIAN
                        + ": dumps are compared by SQL only");
    }
}
