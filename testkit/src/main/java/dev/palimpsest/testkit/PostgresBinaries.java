package dev.palimpsest.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of one major version of PostgreSQL, unpacked: {@code initdb}, {@code pg_ctl} and {@code postgres}, with
 * their libraries and the usual extensions. Of each there are two minor releases, the newest and one of the first.
 *
 * <p>They come with this module and are unpacked once, about 60 MB a version, into {@code palimpsest-postgres} under the
 * system's temporary directory (or the directory in the system property {@code palimpsest.postgres.cache}), where every
 * user can read them, because PostgreSQL refuses to run as root.
 *
 * @param major the major version, 14 to 18
 * @param home the directory with {@code bin}, {@code lib} and {@code share}
 */
public record PostgresBinaries(int major, Path home) {
    /** The major versions there are. */
    public static final List<Integer> MAJORS = List.of(14, 15, 16, 17, 18);

    private static final String CACHE_PROPERTY = "palimpsest.postgres.cache";

    /**
     * The programs of the version's newest minor release, unpacked if that was not done before. May be called by several
     * processes at once.
     *
     * @throws IllegalArgumentException if it is none of {@link #MAJORS}
     * @throws UncheckedIOException if they cannot be unpacked
     */
    public static PostgresBinaries of(int major) {
        return of(major, "");
    }

    /** As {@link #of}, but of one of the version's first minor releases. */
    public static PostgresBinaries earlyOf(int major) {
        return of(major, "-early");
    }

    private static PostgresBinaries of(int major, String release) {
        if (!MAJORS.contains(major)) {
            throw new IllegalArgumentException("there is no PostgreSQL " + major + ", only " + MAJORS);
        }
        try {
            byte[] jar = jar(major + release);
            Path home = cache().resolve("postgres-" + major + release + "-" + digest(jar));
            if (!Files.isDirectory(home)) {
                unpack(jar, home);
            }
            return new PostgresBinaries(major, home);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack PostgreSQL " + major, e);
        }
    }

    private static Path cache() throws IOException {
        String configured = System.getProperty(CACHE_PROPERTY);
        Path cache = configured == null
                ? Path.of(System.getProperty("java.io.tmpdir"), "palimpsest-postgres")
                : Path.of(configured);
        Files.createDirectories(cache);
        return cache;
    }

    private static byte[] jar(String release) throws IOException {
        String name = "binaries/postgres-" + release + ".jar";
        try (InputStream in = PostgresBinaries.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, () -> name + " is not on the class path")
                    .readAllBytes();
        }
    }

    private static String digest(byte[] bytes) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Unpacks beside the place and renames, so that nobody sees half of it; the first of several wins. */
    private static void unpack(byte[] jar, Path home) throws IOException {
        Path parent = Objects.requireNonNull(home.getParent());
        Path fresh = Files.createTempDirectory(parent, "unpack");
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            extractAll(jar, fresh);
            Files.move(fresh, home);
        } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
            DirectoryTree.delete(fresh);
        } catch (IOException | RuntimeException e) {
            DirectoryTree.delete(fresh);
            throw e;
        }
    }

    private static void extractAll(byte[] jar, Path target) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(jar))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().endsWith(".txz")) {
                    extract(zip, target);
                }
            }
        }
        if (!Files.isExecutable(target.resolve("bin/postgres"))) {
            throw new IOException("there is no bin/postgres in the archive");
        }
    }

    private static void extract(InputStream archive, Path target) throws IOException {
        TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(archive)));
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Path path = target.resolve(entry.getName()).normalize();
            if (!path.startsWith(target)) {
                throw new IOException("the archive reaches outside: " + entry.getName());
            }
            if (entry.isDirectory()) {
                Files.createDirectories(path);
            } else {
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

    /** The program with this name. */
    public Path program(String name) {
        return home.resolve("bin").resolve(name);
    }
}
