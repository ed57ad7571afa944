package dev.palimpsest.storage.file;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.runtime.OutsideWorld;
import dev.palimpsest.storage.runtime.Task;
import dev.palimpsest.storage.runtime.Tasks;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * The machine's files. Safe for use by many threads.
 *
 * <p><b>Descriptors.</b> Files opened for reading share a bounded number of descriptors. One that lost its descriptor is
 * opened again when it is read; if its path then leads to another file, or to none, the read fails with
 * {@code WRONG_STATE}. As long as it has its descriptor a deleted file goes on to be readable.
 *
 * <p><b>Interrupts.</b> An interrupt neither ends an I/O nor harms other users of the file; it is still pending
 * afterwards. A file created here that is interrupted inside of a write must still be at its path.
 *
 * <p><b>Direct mode.</b> Needs a file system with direct I/O. A file that another handle is writing may for a moment be
 * seen longer than it is, up to the next multiple of the alignment, with zeros. The writer's own handle never shows that.
 *
 * <p><b>{@link #renameNoReplace}</b> of a file makes a second link and removes the first: nothing is ever replaced,
 * whoever else is at work. A crash in between leaves both names. A directory is looked for and then renamed: another
 * one made at that moment is replaced if it is empty.
 */
@OutsideWorld
public final class LocalDisk implements Disk {
    private static final Set<OpenOption> READ = Set.of(StandardOpenOption.READ);
    private static final Set<OpenOption> READ_WRITE = Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);
    private static final Set<OpenOption> CREATE =
            Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);

    private final LocalDiskSettings settings;
    private final Tasks tasks;
    private final DiskCounters counters = new DiskCounters();
    private final PathChanges changes = new PathChanges();
    private final Writers writers = new Writers();
    private final OpenFileTable openForReading;
    private final Transfers transfers;
    private final Set<OpenOption> read;
    private final Set<OpenOption> readWrite;
    private final Set<OpenOption> create;

    /** Counts the descriptors of files opened for writing. */
    static final class Writers implements OpenChannel.Holder {
        private final AtomicInteger open = new AtomicInteger();

        void opened() {
            open.incrementAndGet();
        }

        @Override
        public void idle() {
            // Nobody waits for these.
        }

        @Override
        public void closed() {
            open.decrementAndGet();
        }
    }

    /**
     * @param settings the mode and the limits
     * @param tasks for waits, and for syncs, which run in tasks of their own where no interrupt can hide their outcome
     */
    public LocalDisk(LocalDiskSettings settings, Tasks tasks) {
        this.settings = settings;
        this.tasks = tasks;
        this.openForReading = new OpenFileTable(settings.maxOpenForReading(), tasks.newSignal(), counters);
        if (settings.mode() == LocalDiskSettings.Mode.DIRECT) {
            Optional<OpenOption> direct = DirectOption.find();
            if (direct.isEmpty()) {
                throw new IllegalArgumentException("this JDK has no direct I/O");
            }
            this.transfers = new DirectTransfers(
                    new BounceBuffers(
                            LocalDiskSettings.DIRECT_ALIGNMENT,
                            settings.bounceBuffers(),
                            settings.bounceBufferBytes(),
                            tasks.newSignal()),
                    counters);
            this.read = with(READ, direct.get());
            this.readWrite = with(READ_WRITE, direct.get());
            this.create = with(CREATE, direct.get());
        } else {
            this.transfers = new BufferedTransfers();
            this.read = READ;
            this.readWrite = READ_WRITE;
            this.create = CREATE;
        }
    }

    private static Set<OpenOption> with(Set<OpenOption> options, OpenOption one) {
        Set<OpenOption> all = new HashSet<>(options);
        all.add(one);
        return Set.copyOf(all);
    }

    /** What it has done so far. */
    public DiskCounters counters() {
        return counters;
    }

    /** How many descriptors files opened for reading hold now, at most as many as the settings say. */
    public int openForReadingCount() {
        return openForReading.taken();
    }

    /** How many descriptors files opened for writing hold now. */
    public int openForWritingCount() {
        return writers.open.get();
    }

    OpenFileTable openForReading() {
        return openForReading;
    }

    Writers writers() {
        return writers;
    }

    PathChanges changes() {
        return changes;
    }

    Transfers transfers() {
        return transfers;
    }

    FileChannel openChannel(Path file, boolean forWriting) throws IOException {
        return FileChannel.open(file, forWriting ? readWrite : read);
    }

    FileChannel createChannel(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, create);
        writers.opened();
        return channel;
    }

    @Override
    public int alignment() {
        return settings.mode() == LocalDiskSettings.Mode.DIRECT ? LocalDiskSettings.DIRECT_ALIGNMENT : 1;
    }

    @Override
    public ReadableFile open(Path file) throws DiskException {
        return LocalFile.open(this, file);
    }

    @Override
    public WritableFile create(Path file) throws DiskException {
        return LocalFile.create(this, file);
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        changing(from, () -> changing(to, () -> move(from, to)));
    }

    private static void move(Path from, Path to) throws DiskException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw IoFailures.of("rename to " + to + ":", from, e);
        }
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        changing(from, () -> {
            String operation = "rename without replacing to " + to + ":";
            try {
                if (attributes(from).isDirectory()) {
                    if (exists(to)) {
                        throw IoFailures.wrongState(operation, from, "the target exists already");
                    }
                    move(from, to);
                } else {
                    Files.createLink(to, from);
                    Files.delete(from);
                }
            } catch (IOException e) {
                throw IoFailures.of(operation, from, e);
            }
        });
    }

    @Override
    public boolean link(Path file, Path to) throws DiskException {
        boolean[] linked = new boolean[1];
        changing(to, () -> {
            try {
                Files.createLink(to, file);
                linked[0] = true;
            } catch (FileAlreadyExistsException | NoSuchFileException e) {
                throw IoFailures.of("link to " + to + ":", file, e);
            } catch (IOException | UnsupportedOperationException _) {
                linked[0] = false; // another file system, or one without links: what is wrong otherwise, a copy tells
            }
        });
        return linked[0];
    }

    @Override
    public boolean delete(Path file) throws DiskException {
        return deleteEntry("delete", file, false);
    }

    @Override
    public boolean deleteDirectory(Path directory) throws DiskException {
        return deleteEntry("delete directory", directory, true);
    }

    private boolean deleteEntry(String operation, Path path, boolean directory) throws DiskException {
        boolean[] deleted = new boolean[1];
        changing(path, () -> {
            try {
                if (attributes(path).isDirectory() != directory) {
                    throw IoFailures.wrongState(operation, path, directory ? "not a directory" : "it is a directory");
                }
                deleted[0] = Files.deleteIfExists(path);
            } catch (NoSuchFileException e) {
                deleted[0] = false;
            } catch (IOException e) {
                throw IoFailures.of(operation, path, e);
            }
        });
        return deleted[0];
    }

    /** {@inheritDoc} That holds also for parents that an earlier call created and did not live to make durable. */
    @Override
    public void createDirectories(Path directory) throws DiskException {
        Path name = directory.toAbsolutePath().normalize();
        ArrayDeque<Path> missing = new ArrayDeque<>();
        Path above = name;
        while (!exists(above)) {
            missing.push(above);
            Path parent = above.getParent();
            if (parent == null) {
                throw IoFailures.wrongState("create directory", directory, "there is no " + above);
            }
            above = parent;
        }
        Path parent = above.getParent();
        if (parent != null && Files.isReadable(parent)) {
            syncDirectory(parent);
        }
        for (Path path : missing) {
            try {
                Files.createDirectory(path);
            } catch (FileAlreadyExistsException e) {
                // Somebody else made it at the same time; whether they lived to sync it is not known.
                checkDirectory("create directory", path);
            } catch (IOException e) {
                throw IoFailures.of("create directory", path, e);
            }
            syncDirectory(above);
            above = path;
        }
        checkDirectory("create directory", name);
    }

    private static void checkDirectory(String operation, Path path) throws DiskException {
        try {
            if (!Files.readAttributes(path, BasicFileAttributes.class).isDirectory()) {
                throw IoFailures.wrongState(operation, path, "it exists and is not a directory");
            }
        } catch (IOException e) {
            throw IoFailures.of(operation, path, e);
        }
    }

    @Override
    public void syncDirectory(Path directory) throws DiskException {
        checkDirectory("sync", directory);
        try (FileChannel channel = FileChannel.open(directory, READ)) {
            // With its metadata: file systems need not take new names for data.
            force(directory, () -> channel.force(true));
        } catch (IOException e) {
            throw IoFailures.of("sync", directory, e);
        }
    }

    @Override
    public List<Entry> list(Path directory) throws DiskException {
        List<Entry> entries = new ArrayList<>();
        hasAny(directory, entry -> {
            entries.add(entry);
            return false;
        });
        entries.sort(Comparator.comparing(Entry::name));
        return entries;
    }

    @Override
    public boolean hasAny(Path directory, Predicate<Entry> asked) throws DiskException {
        checkDirectory("list", directory);
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                Optional<Entry> entry = entry(path);
                if (entry.isPresent() && asked.test(entry.get())) {
                    return true;
                }
            }
            return false;
        } catch (DirectoryIteratorException e) {
            throw IoFailures.of("list", directory, Objects.requireNonNull(e.getCause()));
        } catch (IOException e) {
            throw IoFailures.of("list", directory, e);
        }
    }

    /** Empty if it was deleted since the directory was read, as if it had been before. */
    private static Optional<Entry> entry(Path path) throws IOException {
        Path name = path.getFileName();
        if (name == null) {
            throw new IOException("an entry without a name: " + path);
        }
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            boolean directory = attributes.isDirectory();
            return Optional.of(new Entry(
                    name.toString(),
                    directory ? 0 : attributes.size(),
                    directory ? Disk.Kind.DIRECTORY : Disk.Kind.FILE));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    @Override
    public boolean exists(Path path) throws DiskException {
        try {
            attributes(path);
            return true;
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw IoFailures.of("look for", path, e);
        }
    }

    @Override
    public DiskSpace space(Path directory) throws DiskException {
        try {
            FileStore store = Files.getFileStore(directory);
            return new DiskSpace(store.getUsableSpace(), store.getTotalSpace());
        } catch (IOException e) {
            throw IoFailures.of("look for room in", directory, e);
        }
    }

    private static BasicFileAttributes attributes(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    /** Makes the bytes and the size of a file durable. */
    void forceFile(Path path, FileChannel channel) throws DiskException {
        force(path, () -> channel.force(false));
    }

    /** Runs a sync out of reach of whoever interrupts this thread: an interrupt would hide that it failed. */
    private void force(Path path, Tasks.Body body) throws DiskException {
        Task sync = tasks.startOnOwnThread("sync " + path, body);
        sync.join();
        Optional<Throwable> failure = sync.failure();
        if (failure.isPresent()) {
            throw switch (failure.get()) {
                case IOException e -> IoFailures.ofSync(path, e);
                case Throwable e ->
                    new DiskException(DiskException.Kind.FATAL, "sync", path.toString(), -1, -1, e.toString(), e);
            };
        }
        counters.syncs.increment();
    }

    /** The failure of a write; knows a full disk also where the operating system says it in another language. */
    DiskException writeFailure(Path file, long offset, long length, IOException cause) {
        DiskException failure = IoFailures.of("write", file, offset, length, cause);
        if (failure.kind() == DiskException.Kind.FATAL && isFull(file)) {
            return new DiskException(
                    DiskException.Kind.RETRYABLE,
                    "write",
                    file.toString(),
                    offset,
                    length,
                    "the file system is full",
                    cause);
        }
        return failure;
    }

    private static boolean isFull(Path file) {
        try {
            return Files.getFileStore(file).getUsableSpace() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Something that changes what is at a path. */
    @FunctionalInterface
    private interface Change {
        void run() throws DiskException;
    }

    private void changing(Path path, Change change) throws DiskException {
        changes.change(path);
        boolean done = false;
        try {
            change.run();
            done = true;
        } finally {
            if (!done) {
                changes.undoChange(path);
            }
        }
    }
}
