package dev.palimpsest.storage.file;

import dev.palimpsest.storage.runtime.OutsideWorld;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/**
 * Which file a path leads to, whatever its name: device and inode, and the time of birth since inode numbers are used
 * again. On a file system that keeps no time of birth the JDK gives the last modification instead, which says nothing.
 *
 * @param key device and inode
 * @param born when it was created; null if that is not known
 */
@OutsideWorld
record FileIdentity(@Nullable Object key, @Nullable FileTime born) {
    /**
     * The identity of the regular file at a path.
     *
     * @throws IOException if there is none or it cannot be looked at
     */
    static FileIdentity of(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (attributes.isDirectory()) {
            throw new IOException("Is a directory");
        }
        FileTime created = attributes.creationTime();
        return new FileIdentity(attributes.fileKey(), created.equals(attributes.lastModifiedTime()) ? null : created);
    }

    /** Whether both may be the same file; false only if they are not. */
    boolean mayBe(FileIdentity other) {
        boolean sameKey = key == null ? other.key == null : key.equals(other.key);
        return sameKey && (born == null || other.born == null || born.equals(other.born));
    }
}
