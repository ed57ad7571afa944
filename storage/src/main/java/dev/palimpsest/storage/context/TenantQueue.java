package dev.palimpsest.storage.context;

import dev.palimpsest.storage.TenantId;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * What waits for its turn, in turn among tenants: the next is what has waited for the longest of the tenant whose turn was the
 * longest ago, among those that have something waiting. A tenant that had nothing waiting comes after those that had. So whoever
 * comes goes after one of each other tenant at most for each one of its own that is before it, however much those have waiting, and
 * nothing that comes later is ever put before the next. Every operation but {@link #inOrder} takes the same time however much
 * waits. Not safe for use by several threads at once.
 *
 * @param <T> what waits; each at most once, by its {@code equals}
 */
public final class TenantQueue<T> {
    /** The tenant that comes first has the next turn; none is without anything that waits. */
    private final LinkedHashMap<TenantId, SequencedSet<T>> waiting = new LinkedHashMap<>();

    private int size;

    /** Has nothing at first. */
    public TenantQueue() {}

    /** Puts something after all else of its tenant; it is not there yet. */
    public void add(TenantId tenant, T item) {
        if (!waiting.computeIfAbsent(tenant, _ -> new LinkedHashSet<>()).add(item)) {
            throw new IllegalArgumentException(item + " waits already");
        }
        size++;
    }

    /** The next; null if nothing waits. */
    public @Nullable T peek() {
        Map.Entry<TenantId, SequencedSet<T>> next = waiting.firstEntry();
        return next == null ? null : next.getValue().getFirst();
    }

    /** Takes the next out, after which it is another tenant's turn; null if nothing waits. */
    public @Nullable T poll() {
        Map.Entry<TenantId, SequencedSet<T>> next = waiting.pollFirstEntry();
        if (next == null) {
            return null;
        }
        SequencedSet<T> items = next.getValue();
        T item = items.removeFirst();
        if (!items.isEmpty()) {
            waiting.putLast(next.getKey(), items);
        }
        size--;
        return item;
    }

    /** Takes something out before its turn; whether it was there. */
    public boolean remove(TenantId tenant, T item) {
        SequencedSet<T> items = waiting.get(tenant);
        if (items == null || !items.remove(item)) {
            return false;
        }
        if (items.isEmpty()) {
            waiting.remove(tenant);
        }
        size--;
        return true;
    }

    /** How much waits. */
    public int size() {
        return size;
    }

    /** Whether nothing waits. */
    public boolean isEmpty() {
        return size == 0;
    }

    /** All that waits, in the order in which it would be taken out if nothing else came. */
    public List<T> inOrder() {
        List<T> all = new ArrayList<>(size);
        List<Iterator<T>> tenants = new ArrayList<>();
        waiting.values().forEach(items -> tenants.add(items.iterator()));
        while (!tenants.isEmpty()) {
            tenants.removeIf(items -> {
                all.add(items.next());
                return !items.hasNext();
            });
        }
        return all;
    }
}
