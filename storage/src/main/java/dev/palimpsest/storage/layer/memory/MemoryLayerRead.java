package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One read of an in-memory layer, between two LSNs. Used once. */
final class MemoryLayerRead {
    private final MemoryIndex index;
    private final EphemeralFile file;
    private final ReadBuffers buffers;
    private final Lsn floor;
    private final Lsn end;
    private final VersionReads reads = new VersionReads();
    private final List<Planned> planned = new ArrayList<>();

    /** The values of one key: consecutive ordinals, newest first. */
    private record Planned(Key key, int firstOrdinal, int endOrdinal) {}

    /**
     * @param floor inclusive
     * @param end exclusive
     */
    MemoryLayerRead(MemoryIndex index, EphemeralFile file, ReadBuffers buffers, Lsn floor, Lsn end) {
        this.index = index;
        this.file = file;
        this.buffers = buffers;
        this.floor = floor;
        this.end = end;
    }

    void collect(KeySpace keys, ReconstructState state, RequestContext context) throws StorageException {
        context.checkCancelled();
        if (!floor.isBefore(end)) {
            return;
        }
        KeyNumbers numbers = KeySelector.select(index, keys);
        for (int i = 0; i < numbers.size(); i++) {
            plan(numbers.get(i), state);
        }
        reads.readAll(file, buffers, context);
        for (Planned key : planned) {
            add(key, state);
        }
        finishCached(keys, state);
    }

    private void plan(int number, ReconstructState state) {
        Key key = index.key(number);
        if (state.isComplete(key)) {
            return;
        }
        Lsn cached = state.cachedLsn(key);
        int first = reads.size();
        for (int entry = index.newest(number); entry != MemoryIndex.NONE; entry = index.older(entry)) {
            long lsn = index.lsn(entry);
            if (Long.compareUnsigned(lsn, floor.value()) < 0
                    || (cached != null && Long.compareUnsigned(lsn, cached.value()) <= 0)) {
                break;
            }
            if (Long.compareUnsigned(lsn, end.value()) < 0) {
                long location = index.location(entry);
                reads.add(lsn, location, StoredValue.guard(key, lsn, location));
                if (ValueLocation.willInit(location)) {
                    break;
                }
            }
        }
        if (reads.size() > first) {
            planned.add(new Planned(key, first, reads.size()));
        }
    }

    private void add(Planned versions, ReconstructState state) {
        for (int ordinal = versions.firstOrdinal; ordinal < versions.endOrdinal; ordinal++) {
            Value value = reads.value(ordinal);
            if (value == null) {
                state.fail(versions.key, failure(ordinal));
                return;
            }
            state.add(versions.key, new Lsn(reads.lsn(ordinal)), value);
        }
    }

    private StorageException failure(int ordinal) {
        @Nullable StorageException failure = reads.failure(ordinal);
        if (failure == null) {
            throw new IllegalStateException("neither value nor failure of read " + ordinal + " of " + file.name());
        }
        return failure;
    }

    /** A key whose cached image is not below what was read here needs nothing older, whether it has values here or not. */
    private void finishCached(KeySpace keys, ReconstructState state) {
        if (!state.isAnyCached()) {
            return;
        }
        for (Map.Entry<Key, ReconstructState.KeyState> entry : state.keys().entrySet()) {
            ReconstructState.Version cached = entry.getValue().cached();
            if (cached != null
                    && !entry.getValue().isComplete()
                    && !cached.lsn().isBefore(floor)
                    && contains(keys, entry.getKey())) {
                state.reachedCached(entry.getKey());
            }
        }
    }

    private static boolean contains(KeySpace keys, Key key) {
        for (KeyRange range : keys.ranges()) {
            if (range.contains(key)) {
                return true;
            }
        }
        return false;
    }
}
