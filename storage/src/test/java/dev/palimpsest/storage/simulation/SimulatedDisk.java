package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.file.DiskSpace;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.simulation.FaultPlan.Outcome;
import dev.palimpsest.storage.simulation.SimulatedNode.Directory;
import dev.palimpsest.storage.simulation.SimulatedNode.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that knows what is durable and what is only written.
 *
 * <p>{@link #crash} keeps what was synced and decides the rest by the seed, within what a journaling file system could have
 * done: sectors of a file are kept or lost one by one or in blocks of 4096 bytes, in any version since the last sync;
 * a file's size may be any since then, and what was not written back reads as zeros; a name that was created, renamed or
 * deleted may or may not have been; a rename whose file was not synced may lead to an empty file. Files that are open die with
 * the crash: every later call on them fails.
 *
 * <p>Every call but a close is a point at which other tasks may run. Paths are taken from the root, whether they are absolute
 * or not.
 */
public final class SimulatedDisk implements Disk {
    private final Scheduler scheduler;
    private final String name;
    private final FaultPlan writes;
    private final FaultPlan syncs;
    private final FaultPlan reads;
    private final FaultPlan changes;
    private final FaultPlan slow;
    /** Decides what of written bytes and names survives. */
    final SplittableRandom survival;

    private final Directory root = new Directory();
    private final NameJournal journal = new NameJournal();
    private final Set<SimulatedFile> open = new LinkedHashSet<>();
    private DiskFaults faults;
    private boolean openersRecorded;
    private long calls;
    private long failingCall = -1;
    private long usedBytes;

    /**
     * A file that was opened and not closed.
     *
     * @param opener where it was opened, if that was recorded
     */
    public record OpenFile(Path path, Optional<Throwable> opener) {}

    SimulatedDisk(Simulation simulation, Scheduler scheduler, String name, DiskFaults faults) {
        this.scheduler = scheduler;
        this.name = name;
        this.faults = faults;
        this.writes = new FaultPlan(simulation.random(name + " writes"));
        this.syncs = new FaultPlan(simulation.random(name + " syncs"));
        this.reads = new FaultPlan(simulation.random(name + " reads"));
        this.changes = new FaultPlan(simulation.random(name + " changes"));
        this.slow = new FaultPlan(simulation.random(name + " slow"));
        this.survival = simulation.random(name + " survival");
    }

    /** From now on it misbehaves like this. */
    public void misbehave(DiskFaults faults) {
        this.faults = faults;
    }

    /** How many calls there were that can fail. */
    public long calls() {
        return calls;
    }

    /** Makes one call fail, whatever the faults say: the one that is number {@code call} as {@link #calls} counts, from 1. */
    public void failCall(long call) {
        failingCall = call;
    }

    /** How much its files take, in bytes; what has several names counts once. */
    public long usedBytes() {
        return usedBytes;
    }

    /** From now on {@link #openFiles} knows who opened a file. Costs a stack trace for each. */
    public void recordOpeners() {
        openersRecorded = true;
    }

    /** What is open, in the order of opening. */
    public List<OpenFile> openFiles() {
        return open.stream()
                .map(file -> new OpenFile(file.path(), Optional.ofNullable(file.opener)))
                .toList();
    }

    /** The power fails. Mostly called by {@link SimulatedProcess#crash}, which ends the tasks that use the disk. */
    public void crash() {
        closeAll();
        journal.crash(survival);
        usedBytes = restore(root, Collections.newSetFromMap(new IdentityHashMap<>()));
        record("crash", Path.of(name), -1, -1, "");
    }

    private long restore(Directory directory, Set<File> restored) {
        directory.current = new TreeMap<>(directory.durable);
        long bytes = 0;
        for (SimulatedNode node : directory.current.values()) {
            switch (node) {
                case Directory inner -> bytes += restore(inner, restored);
                case File file -> {
                    if (restored.add(file)) {
                        file.crash(survival);
                        file.unlinked = false;
                        file.names = 0;
                        bytes += file.size();
                    }
                    file.names++;
                }
            }
        }
        return bytes;
    }

    /** What is open is so no more: the process has died. */
    void closeAll() {
        open.forEach(SimulatedFile::die);
        open.clear();
    }

    @Override
    public int alignment() {
        return 1;
    }

    @Override
    public ReadableFile open(Path path) throws DiskException {
        Outcome outcome = change("open", path);
        if (find(path) instanceof File file) {
            failIf(outcome != Outcome.SUCCEEDS, "open", path);
            record("open", path, -1, -1, "");
            return opened(path, file);
        }
        throw wrong("open", path, "there is no such file");
    }

    @Override
    public WritableFile create(Path path) throws DiskException {
        Outcome outcome = change("create", path);
        failIf(outcome == Outcome.FAILS_BEFORE, "create", path);
        Directory parent = parent("create", path);
        if (parent.current.containsKey(last(path))) {
            throw wrong("create", path, "it exists");
        }
        File file = new File();
        parent.current.put(last(path), file);
        journal.add(new NameJournal.Change(parent, last(path), file));
        failIf(outcome != Outcome.SUCCEEDS, "create", path);
        record("create", path, -1, -1, "");
        return opened(path, file);
    }

    private SimulatedFile opened(Path path, File file) {
        SimulatedFile opened =
                new SimulatedFile(this, path, file, openersRecorded ? new Throwable("opened " + path) : null);
        open.add(opened);
        return opened;
    }

    @Override
    public void rename(Path from, Path to) throws DiskException {
        rename(from, to, true);
    }

    @Override
    public void renameNoReplace(Path from, Path to) throws DiskException {
        rename(from, to, false);
    }

    private void rename(Path from, Path to, boolean replace) throws DiskException {
        Outcome outcome = change("rename", from);
        failIf(outcome == Outcome.FAILS_BEFORE, "rename", from);
        Directory source = parent("rename", from);
        Directory target = parent("rename", to);
        SimulatedNode node = source.current.get(last(from));
        SimulatedNode replaced = target.current.get(last(to));
        if (node == null) {
            throw wrong("rename", from, "it does not exist");
        }
        if (replaced != null && (!replace || !(replaced instanceof File) || !(node instanceof File))) {
            throw wrong("rename", to, "it exists");
        }
        if (node != replaced) {
            target.current.put(last(to), node);
            source.current.remove(last(from));
            journal.add(
                    new NameJournal.Change(target, last(to), node), new NameJournal.Change(source, last(from), null));
            release(replaced);
        }
        failIf(outcome != Outcome.SUCCEEDS, "rename", from);
        record("rename", from, -1, -1, to.toString());
    }

    @Override
    public boolean link(Path path, Path to) throws DiskException {
        Outcome outcome = change("link", path);
        failIf(outcome == Outcome.FAILS_BEFORE, "link", path);
        if (!(find(path) instanceof File file)) {
            throw wrong("link", path, "there is no such file");
        }
        Directory target = parent("link", to);
        if (target.current.containsKey(last(to))) {
            throw wrong("link", path, to + " exists");
        }
        target.current.put(last(to), file);
        file.names++;
        journal.add(new NameJournal.Change(target, last(to), file));
        failIf(outcome != Outcome.SUCCEEDS, "link", path);
        record("link", path, -1, -1, to.toString());
        return true;
    }

    @Override
    public boolean delete(Path path) throws DiskException {
        Outcome outcome = change("delete", path);
        failIf(outcome == Outcome.FAILS_BEFORE, "delete", path);
        SimulatedNode node = find(path);
        if (node instanceof Directory) {
            throw wrong("delete", path, "it is a directory");
        }
        remove(path, node);
        failIf(outcome != Outcome.SUCCEEDS, "delete", path);
        record("delete", path, -1, -1, node == null ? "absent" : "");
        return node != null;
    }

    @Override
    public boolean deleteDirectory(Path path) throws DiskException {
        Outcome outcome = change("delete", path);
        failIf(outcome == Outcome.FAILS_BEFORE, "delete", path);
        SimulatedNode node = find(path);
        if (node instanceof File || node == root) {
            throw wrong("delete", path, "it is no directory that can be deleted");
        }
        if (node instanceof Directory directory && !directory.current.isEmpty()) {
            throw wrong("delete", path, "the directory is not empty");
        }
        remove(path, node);
        failIf(outcome != Outcome.SUCCEEDS, "delete", path);
        record("delete", path, -1, -1, node == null ? "absent" : "");
        return node != null;
    }

    private void remove(Path path, @Nullable SimulatedNode node) throws DiskException {
        if (node != null) {
            Directory parent = parent("delete", path);
            parent.current.remove(last(path));
            journal.add(new NameJournal.Change(parent, last(path), null));
            release(node);
        }
    }

    /** Space of a file that has lost its name is free at once, though it may still be open. */
    private void release(@Nullable SimulatedNode node) {
        if (node instanceof File file && --file.names == 0) {
            usedBytes -= file.size();
            file.unlinked = true;
        }
    }

    @Override
    public void createDirectories(Path path) throws DiskException {
        Outcome outcome = change("mkdir", path);
        failIf(outcome == Outcome.FAILS_BEFORE, "mkdir", path);
        Directory directory = root;
        for (Path part : path.normalize()) {
            String partName = part.toString();
            switch (directory.current.get(partName)) {
                case Directory inner -> directory = inner;
                case File _ -> throw wrong("mkdir", path, part + " is a file");
                case null -> {
                    Directory created = new Directory();
                    directory.current.put(partName, created);
                    journal.add(new NameJournal.Change(directory, partName, created));
                    failIf(outcome != Outcome.SUCCEEDS, "mkdir", path);
                    // Others see the directory before its name is durable, and must not build on it.
                    scheduler.step("mkdir", name);
                    journal.sync(directory);
                    directory = created;
                }
            }
        }
        failIf(outcome != Outcome.SUCCEEDS, "mkdir", path);
        record("mkdir", path, -1, -1, "");
    }

    @Override
    public void syncDirectory(Path path) throws DiskException {
        Outcome outcome = begin(syncs, faults.failingSyncs(), "syncdir", path);
        if (!(find(path) instanceof Directory directory)) {
            throw wrong("sync", path, "there is no such directory");
        }
        if (outcome == Outcome.SUCCEEDS || outcome == Outcome.FAILS_AFTER) {
            journal.sync(directory);
        }
        if (outcome != Outcome.SUCCEEDS) {
            throw failed(DiskException.Kind.FATAL, "sync", path, -1, -1, "EIO (simulated)");
        }
        record("syncdir", path, -1, -1, "");
    }

    @Override
    public List<Entry> list(Path path) throws DiskException {
        Outcome outcome = change("list", path);
        failIf(outcome != Outcome.SUCCEEDS, "list", path);
        if (!(find(path) instanceof Directory directory)) {
            throw wrong("list", path, "there is no such directory");
        }
        List<Entry> entries = new ArrayList<>(directory.current.size());
        for (Map.Entry<String, SimulatedNode> entry : directory.current.entrySet()) {
            entries.add(
                    switch (entry.getValue()) {
                        case File file -> new Entry(entry.getKey(), file.size(), Disk.Kind.FILE);
                        case Directory _ -> new Entry(entry.getKey(), 0, Disk.Kind.DIRECTORY);
                    });
        }
        record("list", path, -1, entries.size(), "");
        return entries;
    }

    @Override
    public DiskSpace space(Path directory) throws DiskException {
        Outcome outcome = change("space", directory);
        failIf(outcome != Outcome.SUCCEEDS, "space", directory);
        record("space", directory, -1, room(), "");
        return new DiskSpace(room(), faults.capacity());
    }

    @Override
    public boolean exists(Path path) throws DiskException {
        Outcome outcome = change("exists", path);
        failIf(outcome != Outcome.SUCCEEDS, "exists", path);
        boolean exists = find(path) != null;
        record("exists", path, -1, -1, Boolean.toString(exists));
        return exists;
    }

    /** How long a file is now, -1 if there is none; no call, so nothing happens in between and nothing fails. */
    public long size(Path path) {
        return find(path) instanceof File file ? file.size() : -1;
    }

    private @Nullable SimulatedNode find(Path path) {
        SimulatedNode node = root;
        for (Path part : path.normalize()) {
            SimulatedNode inner = node instanceof Directory directory ? directory.current.get(part.toString()) : null;
            if (inner == null) {
                return part.toString().isEmpty() ? root : null;
            }
            node = inner;
        }
        return node;
    }

    private Directory parent(String operation, Path path) throws DiskException {
        Path parent = path.normalize().getParent();
        if (parent == null) {
            return root;
        }
        if (find(parent) instanceof Directory directory) {
            return directory;
        }
        throw wrong(operation, path, "its directory does not exist");
    }

    private static String last(Path path) {
        return String.valueOf(path.normalize().getFileName());
    }

    /** How many bytes there is room for. */
    long room() {
        return Math.max(0, faults.capacity() - usedBytes);
    }

    void grew(long bytes) {
        usedBytes += bytes;
    }

    void closed(SimulatedFile file) {
        scheduler.checkAlive();
        open.remove(file);
    }

    Outcome beginWrite(Path path) {
        return begin(writes, faults.failingWrites(), "write", path);
    }

    Outcome beginSync(Path path) {
        return begin(syncs, faults.failingSyncs(), "sync", path);
    }

    Outcome beginRead(Path path) {
        return begin(reads, faults.failingReads(), "read", path);
    }

    private Outcome change(String operation, Path path) {
        return begin(changes, faults.failingChanges(), operation, path);
    }

    /** A point where others may run or a crash may come, and what becomes of the call after it. */
    private Outcome begin(FaultPlan plan, double probability, String operation, Path path) {
        calls++;
        boolean forced = calls == failingCall;
        Outcome outcome = plan.next(probability, forced);
        long pauseNanos = slow.pauseNanos(faults.slowCalls(), faults.slowNanos());
        if (pauseNanos > 0) {
            scheduler.pause(pauseNanos);
        } else {
            scheduler.step(operation, name);
        }
        if (outcome != Outcome.SUCCEEDS) {
            record(operation, path, -1, -1, outcome.toString());
        }
        return outcome;
    }

    void record(String operation, Path path, long offset, long length, String result) {
        scheduler.record(operation, path.toString(), offset, length, result);
    }

    /** Takes a checksum of what is written into the digest. */
    void mix(long value) {
        scheduler.trace.mix(value);
    }

    private static void failIf(boolean fails, String operation, Path path) throws DiskException {
        if (fails) {
            throw failed(DiskException.Kind.FATAL, operation, path, -1, -1, "EIO (simulated)");
        }
    }

    static DiskException failed(
            DiskException.Kind kind, String operation, Path path, long offset, long length, String reason) {
        return new DiskException(kind, operation, path.toString(), offset, length, reason);
    }

    private static DiskException wrong(String operation, Path path, String reason) {
        return failed(DiskException.Kind.WRONG_STATE, operation, path, -1, -1, reason);
    }
}
