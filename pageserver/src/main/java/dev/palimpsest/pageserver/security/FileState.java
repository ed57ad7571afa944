package dev.palimpsest.pageserver.security;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/** What tells whether files have changed: their sizes and times, and what is in directories. Two that are equal have not. */
public record FileState(List<String> entries) {
    /** As they are now; what cannot be read counts as not there. */
    public static FileState of(Collection<Path> paths) {
        List<String> entries = new ArrayList<>();
        for (Path path : paths) {
            add(path, entries);
            if (Files.isDirectory(path)) {
                try (DirectoryStream<Path> children = Files.newDirectoryStream(path)) {
                    children.forEach(child -> add(child, entries));
                } catch (IOException e) {
                    entries.add(path + ": " + e.getMessage());
                }
            }
        }
        Collections.sort(entries);
        return new FileState(List.copyOf(entries));
    }

    /** By what it is in the end: certificates are often symbolic links that are exchanged. */
    private static void add(Path path, List<String> entries) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            entries.add(
                    path + " " + attributes.size() + " " + attributes.lastModifiedTime() + " " + attributes.fileKey());
        } catch (IOException e) {
            entries.add(path + " is not there");
        }
    }
}
