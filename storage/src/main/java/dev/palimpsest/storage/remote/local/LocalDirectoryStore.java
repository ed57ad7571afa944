package dev.palimpsest.storage.remote.local;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.ReadOnlyObjectStore;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Objects as files: the object {@code a/b} is the file {@code <root>/a/b}, with the object's bytes and nothing else. One
 * process at a time owns a root.
 *
 * <p>A put writes a file in {@code <root>/.tmp}, syncs it, renames it to its place and syncs the directory it is in; so
 * a file outside {@code .tmp} is always whole. Of a {@link ObjectSource#durableFile durable file} on the same file system it
 * makes a link instead: nothing is copied, and the object stays when the file is deleted. No key has a part that begins with a dot. What a crash leaves in {@code
 * .tmp} is deleted when the store is opened. Directories are never deleted: another put may be about to use them.
 *
 * <p>Puts can be conditional on absence; there are no versions. What the disk reports is passed on as {@code UNAVAILABLE}
 * with the {@link DiskException} as its cause, which says more.
 */
public final class LocalDirectoryStore implements ObjectStore {
    private static final String TEMPORARY = ".tmp";
    private static final int CHUNK = 256 << 10;

    private final Disk disk;
    private final Path root;
    private final AtomicLong temporaries = new AtomicLong();
    private final OpenListings listings = new OpenListings();
    /** Directories whose names are known to be durable, up to the root. That one exists says nothing: another put may be about to sync it. */
    private final Set<Path> durableDirectories = ConcurrentHashMap.newKeySet();

    private LocalDirectoryStore(Disk disk, Path root) {
        this.disk = disk;
        this.root = root;
    }

    /**
     * Opens a store, creating the root if need be, and deletes what unfinished puts of the process before left.
     *
     * @param root a directory
     * @throws DiskException if the directories cannot be created or cleaned
     */
    public static LocalDirectoryStore open(Disk disk, Path root) throws DiskException {
        Path temporary = root.resolve(TEMPORARY);
        disk.createDirectories(temporary);
        for (Disk.Entry leftover : disk.list(temporary)) {
            disk.delete(temporary.resolve(leftover.name()));
        }
        return new LocalDirectoryStore(disk, root);
    }

    /**
     * A store of which only what is there is read; another process may be writing it.
     *
     * @param root a directory that is there
     */
    public static ObjectStore reading(Disk disk, Path root) {
        return new ReadOnlyObjectStore(new LocalDirectoryStore(disk, root));
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of(Capability.PUT_IF_ABSENT);
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        if (source.size() > MAX_SIZE) {
            throw new IllegalArgumentException(
                    key + " has " + source.size() + " bytes, an object has at most " + MAX_SIZE);
        }
        if (condition instanceof PutCondition.IfMatch) {
            throw new ObjectStoreException(
                    Kind.REFUSED, "put", key.value(), "a directory keeps no versions that a put could depend on");
        }
        context.checkCancelled();
        Path temporary = root.resolve(TEMPORARY).resolve(Long.toString(temporaries.getAndIncrement()));
        boolean mayBeLeft = true;
        try {
            boolean linked = link(temporary, key, source);
            if (!linked) {
                write(temporary, key, source, context);
            }
            publish(temporary, key, condition);
            mayBeLeft = linked; // if the object was this file already, the rename did nothing
        } finally {
            if (mayBeLeft) {
                deleteLeftover(temporary);
            }
        }
        return new ObjectInfo(key, source.size(), Optional.empty());
    }

    /** {@inheritDoc} The file gets a second name, if the file system can do that; a put of either key leaves the other. */
    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        if (from.equals(to)) {
            throw new IllegalArgumentException("an object cannot be copied to where it is: " + from);
        }
        context.checkCancelled();
        ReadableFile file = open(from, root.resolve(from.value()))
                .orElseThrow(() -> new ObjectStoreException(
                        Kind.NOT_FOUND, "copy", from.value(), "there is no such object in " + root));
        try (Closing _ = closing("copy", from, file)) {
            long size = onDisk("copy", from.value(), file::size);
            return put(to, ObjectSource.ofDurable(file, size), PutCondition.ALWAYS, context);
        }
    }

    /** Gives a file that is what is to be put another name; durable but for that. Says whether that was possible. */
    private boolean link(Path temporary, ObjectKey key, ObjectSource source) throws ObjectStoreException {
        Optional<Path> file = source.durableFile();
        return file.isPresent() && onDisk("put", key.value(), () -> disk.link(file.get(), temporary));
    }

    /** Writes what is to be put into a file of its own; durable but for its name. */
    private void write(Path temporary, ObjectKey key, ObjectSource source, RequestContext context)
            throws StorageException {
        WritableFile file = onDisk("put", key.value(), () -> disk.create(temporary));
        try (Closing _ = closing("put", key, file)) {
            long size = source.size();
            ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(size, CHUNK));
            for (long offset = 0; offset < size; offset += chunk.limit()) {
                context.checkCancelled();
                chunk.clear().limit((int) Math.min(size - offset, CHUNK));
                source.read(offset, chunk);
                long at = offset;
                onDisk("put", key.value(), () -> {
                    file.write(at, chunk.flip());
                    return true;
                });
            }
            onDisk("put", key.value(), () -> {
                file.sync();
                return true;
            });
        }
    }

    /** Gives a written file its name. */
    private void publish(Path temporary, ObjectKey key, PutCondition condition) throws ObjectStoreException {
        Path target = root.resolve(key.value());
        Path directory = parent(target);
        boolean ifAbsent = condition instanceof PutCondition.IfAbsent;
        try {
            makeDurable(directory);
            if (ifAbsent) {
                disk.renameNoReplace(temporary, target);
            } else {
                disk.rename(temporary, target);
            }
        } catch (DiskException e) {
            durableDirectories.remove(directory);
            refuseConflict(key, e);
            boolean refused = ifAbsent && e.kind() == DiskException.Kind.WRONG_STATE;
            if (refused && onDisk("put", key.value(), () -> disk.exists(target))) {
                // Its put may have failed to sync; whoever is told that it exists builds on it.
                sync("put", key.value(), directory);
                throw new ObjectStoreException(
                        Kind.PRECONDITION_FAILED, "put", key.value(), "there is such an object already", e);
            }
            throw unavailable("put", key.value(), e);
        }
        sync("put", key.value(), directory);
    }

    private void makeDurable(Path directory) throws DiskException {
        if (durableDirectories.contains(directory)) {
            return;
        }
        disk.createDirectories(directory);
        for (Path path = directory; !path.equals(root); path = parent(path)) {
            disk.syncDirectory(parent(path));
        }
        durableDirectories.add(directory);
    }

    /** A file cannot be where a directory is, nor the other way round: says so if that is why a put failed. */
    private void refuseConflict(ObjectKey key, DiskException failure) throws ObjectStoreException {
        Path path = root;
        String[] parts = key.value().split("/", -1);
        for (int i = 0; i < parts.length; i++) {
            Optional<Disk.Kind> found = kind(path, parts[i], key);
            Disk.Kind wanted = i < parts.length - 1 ? Disk.Kind.DIRECTORY : Disk.Kind.FILE;
            if (found.isEmpty()) {
                return;
            }
            path = path.resolve(parts[i]);
            if (found.get() != wanted) {
                throw new ObjectStoreException(
                        Kind.REFUSED,
                        "put",
                        key.value(),
                        wanted == Disk.Kind.FILE
                                ? "there are objects with this key and a / after it"
                                : root.relativize(path) + " is an object already",
                        failure);
            }
        }
    }

    private Optional<Disk.Kind> kind(Path directory, String name, ObjectKey key) throws ObjectStoreException {
        return onDisk("put", key.value(), () -> disk.list(directory)).stream()
                .filter(entry -> entry.name().equals(name))
                .map(Disk.Entry::kind)
                .findFirst();
    }

    private void deleteLeftover(Path temporary) {
        try {
            disk.delete(temporary);
        } catch (DiskException _) {
            // Takes no space that is not taken anyway, or the put has failed and that is being thrown; the next open
            // deletes what is left.
        }
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        context.checkCancelled();
        Path path = root.resolve(key.value());
        ReadableFile file = open(key, path)
                .orElseThrow(() -> new ObjectStoreException(
                        Kind.NOT_FOUND, "get", key.value(), "there is no such object in " + root));
        try (Closing _ = closing("get", key, file)) {
            long size = onDisk("get", key.value(), file::size);
            ObjectInfo info = new ObjectInfo(key, size, Optional.empty());
            ByteRange part = range.clip(size);
            sink.begin(info, part.length());
            ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(part.length(), CHUNK));
            for (long done = 0; done < part.length(); done += chunk.limit()) {
                context.checkCancelled();
                chunk.clear().limit((int) Math.min(part.length() - done, CHUNK));
                long at = part.offset() + done;
                int wanted = chunk.limit();
                int found = onDisk("get", key.value(), () -> file.read(at, chunk));
                if (found < wanted) {
                    throw new CorruptionException(
                            path.toString(),
                            at + found,
                            "the file ends here, but it had " + size + " bytes just before");
                }
                sink.write(done, chunk.flip());
            }
            return info;
        }
    }

    private Optional<ReadableFile> open(ObjectKey key, Path path) throws ObjectStoreException {
        try {
            return Optional.of(disk.open(path));
        } catch (DiskException e) {
            if (e.kind() == DiskException.Kind.WRONG_STATE) {
                return Optional.empty();
            }
            throw unavailable("get", key.value(), e);
        }
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        context.checkCancelled();
        Optional<ReadableFile> file = open(key, root.resolve(key.value()));
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try (Closing _ = closing("head", key, file.get())) {
            long size = onDisk("head", key.value(), file.get()::size);
            return Optional.of(new ObjectInfo(key, size, Optional.empty()));
        }
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        DirectoryWalk walk = new DirectoryWalk(
                disk, root, request, request.after().map(listings::take).orElse(Map.of()), context);
        try {
            Listing page = walk.page();
            page.next().ifPresent(last -> listings.put(last, walk.rest()));
            return page;
        } catch (DiskException e) {
            throw unavailable("list", request.prefix(), e);
        }
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        deleteAll(Set.of(key), context);
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        Set<Path> directories = new LinkedHashSet<>();
        for (ObjectKey key : keys) {
            context.checkCancelled();
            Path path = root.resolve(key.value());
            try {
                disk.delete(path);
            } catch (DiskException e) {
                if (e.kind() != DiskException.Kind.WRONG_STATE) {
                    throw unavailable("delete", key.value(), e);
                }
            }
            directories.add(parent(path));
        }
        // Also where nothing was found: a delete before may have failed to sync.
        for (Path directory : directories) {
            String name = root.relativize(directory).toString();
            if (onDisk("delete", name, () -> disk.exists(directory))) {
                sync("delete", name, directory);
            }
        }
    }

    private void sync(String operation, String object, Path directory) throws ObjectStoreException {
        onDisk(operation, object, () -> {
            disk.syncDirectory(directory);
            return true;
        });
    }

    private static Path parent(Path path) {
        return Objects.requireNonNull(path.getParent());
    }

    @FunctionalInterface
    private interface DiskCall<T> {
        T run() throws DiskException;
    }

    /** Only what our own disk reports is unavailability of this store; a source or a sink may have another disk. */
    private static <T> T onDisk(String operation, String object, DiskCall<T> call) throws ObjectStoreException {
        try {
            return call.run();
        } catch (DiskException e) {
            throw unavailable(operation, object, e);
        }
    }

    private static ObjectStoreException unavailable(String operation, String object, DiskException cause) {
        return new ObjectStoreException(
                Kind.UNAVAILABLE, operation, object, Objects.requireNonNull(cause.getMessage()), cause);
    }

    @FunctionalInterface
    private interface Closing extends AutoCloseable {
        @Override
        void close() throws ObjectStoreException;
    }

    private static Closing closing(String operation, ObjectKey key, ReadableFile file) {
        return () -> onDisk(operation, key.value(), () -> {
            file.close();
            return true;
        });
    }
}
