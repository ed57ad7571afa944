package dev.palimpsest.storage.blob;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Up to so many things that somebody may use again. Safe for use by many threads, without locks. */
final class Spares<T> {
    private final AtomicReferenceArray<@Nullable T> slots;

    Spares(int capacity) {
        this.slots = new AtomicReferenceArray<>(capacity);
    }

    /** Takes one out; null if there is none (or if one was given only just now). */
    @Nullable
    T take() {
        for (int i = 0; i < slots.length(); i++) {
            T spare = slots.get(i);
            if (spare != null && slots.compareAndSet(i, spare, null)) {
                return spare;
            }
        }
        return null;
    }

    /** Puts one in; false if there is no room. */
    boolean give(T spare) {
        for (int i = 0; i < slots.length(); i++) {
            if (slots.get(i) == null && slots.compareAndSet(i, null, spare)) {
                return true;
            }
        }
        return false;
    }
}
