package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.value.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a read has gathered so far, per key: values from newest to oldest until one initialises the key. Layers add to it,
 * the timeline asks it what is left to look for. Used by one request; not safe for use by many threads.
 */
public final class ReconstructState {
    /** Whether a key needs anything older. */
    public enum Situation {
        /** Older values are needed. */
        CONTINUE,
        /** The last value initialised the key, or reached what was cached. */
        COMPLETE
    }

    /** A value and the LSN it is at. */
    public record Version(Lsn lsn, Value value) {}

    /** What is known of one key. */
    public static final class KeyState {
        private final Key key;
        private final List<Version> versions = new ArrayList<>(4);
        private @Nullable Version cached;
        private @Nullable StorageException failure;
        private boolean complete;

        private KeyState(Key key) {
            this.key = key;
        }

        /** Newest first; the last one initialises the key if {@link #isComplete()} and nothing is cached. */
        public List<Version> versions() {
            return versions;
        }

        /** An image known before the read began; applies below all of {@link #versions()}. */
        public @Nullable Version cached() {
            return cached;
        }

        /** Why this key cannot be read, if so. */
        public @Nullable StorageException failure() {
            return failure;
        }

        /** Whether nothing older is needed. */
        public boolean isComplete() {
            return complete;
        }
    }

    private final Map<Key, KeyState> keys = new HashMap<>();
    private final List<KeyState> newlyDone = new ArrayList<>();
    private boolean anyCached;

    /** Tells the state of an image that is known already, so that no layer need be read at or below its LSN. */
    public void cache(Key key, Lsn lsn, Value.Image image) {
        state(key).cached = new Version(lsn, image);
        anyCached = true;
    }

    /** The LSN of the image that is known already; null if there is none. */
    public @Nullable Lsn cachedLsn(Key key) {
        KeyState state = keys.get(key);
        return state == null || state.cached == null ? null : state.cached.lsn();
    }

    /**
     * Adds a value that is older than all that were added for its key.
     *
     * @throws IllegalStateException if the key is complete, or the value is not older
     */
    public Situation add(Key key, Lsn lsn, Value value) {
        return add(state(key), lsn, value);
    }

    /** The same, for a key whose state is known. */
    public Situation add(KeyState state, Lsn lsn, Value value) {
        if (state.complete) {
            throw new IllegalStateException("key " + state.key + " is complete, yet got another value at " + lsn);
        }
        if (!state.versions.isEmpty() && !lsn.isBefore(state.versions.getLast().lsn())) {
            throw new IllegalStateException(
                    "value of key " + state.key + " at " + lsn + " is not older than the last one, at "
                            + state.versions.getLast().lsn());
        }
        state.versions.add(new Version(lsn, value));
        if (value.willInit()) {
            finish(state);
            return Situation.COMPLETE;
        }
        return Situation.CONTINUE;
    }

    /** Says that nothing more is to be looked for: everything down to the cached image was added. */
    public void reachedCached(Key key) {
        KeyState state = state(key);
        if (state.cached == null) {
            throw new IllegalStateException("nothing is cached for key " + key);
        }
        if (!state.complete) {
            finish(state);
        }
    }

    /**
     * Completes those of {@code keys} whose cached image is as new as anything a search below {@code end} could find.
     *
     * @param end exclusive
     */
    public void reachCachedBelow(KeySpace keys, Lsn end) {
        if (!anyCached) {
            return;
        }
        for (KeyState state : this.keys.values()) {
            if (!state.complete
                    && state.cached != null
                    && !state.cached.lsn().plus(1).isBefore(end)
                    && keys.contains(state.key)) {
                finish(state);
            }
        }
    }

    /** Records that a key cannot be read; the first reason is kept, and nothing more is looked for. */
    public void fail(Key key, StorageException reason) {
        KeyState state = state(key);
        if (state.failure == null) {
            state.failure = reason;
        } else {
            state.failure.addSuppressed(reason);
        }
        if (!state.complete) {
            finish(state);
        }
    }

    private void finish(KeyState state) {
        state.complete = true;
        newlyDone.add(state);
    }

    /** The state of a key to which something is about to be added, or which is about to fail. */
    public KeyState state(Key key) {
        KeyState known = keys.get(key);
        if (known == null) {
            known = new KeyState(key);
            keys.put(key, known);
        }
        // Not computeIfAbsent: that may grow the map for a key that is there, so that a walk over the map misses some.
        return known;
    }

    /** Whether an image of any key was known before the read began. */
    public boolean isAnyCached() {
        return anyCached;
    }

    /** Whether nothing more need be looked for of {@code key}. */
    public boolean isComplete(Key key) {
        KeyState state = keys.get(key);
        return state != null && state.complete;
    }

    /** The keys that became complete, or failed, since this was last asked. */
    public KeySpace takeNewlyDone() {
        if (newlyDone.isEmpty()) {
            return KeySpace.EMPTY;
        }
        List<KeyRange> done = new ArrayList<>(newlyDone.size());
        for (KeyState state : newlyDone) {
            done.add(KeyRange.single(state.key));
        }
        newlyDone.clear();
        return KeySpace.ofUnordered(done);
    }

    /** Those of {@code keys} that did not become complete, or fail, since it was last asked which did. */
    public KeySpace withoutNewlyDone(KeySpace keys) {
        if (newlyDone.size() < keys.ranges().size() || !areAllComplete(keys)) {
            return keys.minus(takeNewlyDone());
        }
        newlyDone.clear();
        return KeySpace.EMPTY;
    }

    private boolean areAllComplete(KeySpace keys) {
        for (KeyRange range : keys.ranges()) {
            if (!range.isSingle() || !isComplete(range.start())) {
                return false;
            }
        }
        return true;
    }

    /** Everything gathered, by key, in no particular order. */
    public Map<Key, KeyState> keys() {
        return keys;
    }
}
