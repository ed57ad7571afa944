package dev.palimpsest.pageserver.datadir;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/** Unpacks the archives of a data directory as an administrator would. */
final class Untar {
    private Untar() {}

    static void all(
            SortedMap<String, byte[]> archives,
            Path directory,
            Map<Integer, String> tablespaces,
            DirectorySink.@Nullable Owner owner)
            throws Exception {
        makeDirectory(directory, owner);
        one(Objects.requireNonNull(archives.get("base.tar")), directory, owner);
        for (Map.Entry<Integer, String> tablespace : tablespaces.entrySet()) {
            Path location = Path.of(tablespace.getValue());
            makeDirectory(location, owner);
            one(Objects.requireNonNull(archives.get(tablespace.getKey() + ".tar")), location, owner);
        }
    }

    private static void makeDirectory(Path directory, DirectorySink.@Nullable Owner owner) throws Exception {
        Files.createDirectory(directory);
        Files.setAttribute(directory, "unix:mode", 0700);
        own(directory, owner);
    }

    private static void own(Path path, DirectorySink.@Nullable Owner owner) throws Exception {
        if (owner != null) {
            Files.setAttribute(path, "unix:uid", owner.uid(), LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(path, "unix:gid", owner.gid(), LinkOption.NOFOLLOW_LINKS);
        }
    }

    private static void one(byte[] archive, Path directory, DirectorySink.@Nullable Owner owner) throws Exception {
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(archive))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path path = directory.resolve(entry.getName());
                if (entry.isDirectory()) {
                    Files.createDirectory(path);
                } else if (entry.isSymbolicLink()) {
                    Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
                } else {
                    Files.copy(tar, path);
                }
                if (!entry.isSymbolicLink()) {
                    Files.setAttribute(path, "unix:mode", entry.getMode() & 0777);
                }
                own(path, owner);
            }
        }
    }
}
