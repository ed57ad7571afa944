package dev.palimpsest.storage.timeline;

import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.ReconstructState;
import java.util.SortedMap;

/** What layers have of some keys, and how to make values of it. */
record Gathered(ReconstructState state, Reconstruction reconstruction) {
    SortedMap<Key, KeyResult> values() {
        return reconstruction.values(state);
    }

    KeyResult value(Key key) {
        return reconstruction.result(key, state.keys().get(key));
    }
}
