package dev.palimpsest.storage.store;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The WAL of a timeline, and the model of what it does: a function of the seed, so that what a crash has lost is taken in again
 * just as it was, and what every key has at every LSN is known without asking the store. Grows as far as it is asked.
 */
public final class History {
    /** A value put for a key. */
    public record Change(Key key, Value value) {}

    /**
     * A record: what is put at one LSN.
     *
     * @param lsn where it ends
     * @param previous where the one before it ends; for the first of a root 0/0
     */
    public record Entry(Lsn lsn, Lsn previous, List<Change> changes) {}

    private static final int MAX_VALUE = 600;

    private final SplittableRandom random;
    private final @Nullable History ancestor;
    private final Lsn branchedAt;
    private final int keyCount;
    private final List<Entry> entries = new ArrayList<>();
    private final Map<Key, TreeMap<Lsn, byte[]>> values = new HashMap<>();
    private Lsn end;
    /** How many more changes go to one key after the other, as of a bulk load. */
    private int sequential;
    /** The next of these keys. */
    private int next;

    private History(long seed, @Nullable History ancestor, Lsn start, Lsn branchedAt, int keyCount) {
        this.random = new SplittableRandom(seed);
        this.ancestor = ancestor;
        this.branchedAt = branchedAt;
        this.end = start;
        this.keyCount = keyCount;
    }

    /** Of a timeline without ancestor, whose first record may be at {@code start}. */
    public static History root(long seed, Lsn start, int keyCount) {
        return new History(seed, null, start, Lsn.INVALID, keyCount);
    }

    /** Of a branch. */
    public History branch(long seed, Lsn at) {
        return new History(seed, this, at.plus(8), at, keyCount);
    }

    /** A key of a few relations, blocks and forks, so that ranges and single keys occur. */
    public static Key key(int number) {
        return Key.of(0, 1663, 5, 1000 + number % 3, number % 7 == 0 ? 1 : 0, number / 3);
    }

    /** How many keys are used. */
    public int keyCount() {
        return keyCount;
    }

    /** The first record that ends after {@code lsn}. */
    public Entry after(Lsn lsn) {
        while (entries.isEmpty() || !entries.getLast().lsn().isAfter(lsn)) {
            grow();
        }
        int low = 0;
        int high = entries.size() - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (entries.get(middle).lsn().isAfter(lsn)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return entries.get(low);
    }

    private void grow() {
        Lsn previous = entries.isEmpty() ? branchedAt : entries.getLast().lsn();
        Lsn lsn = end;
        end = end.plus(8L * random.nextInt(1, 40));
        Map<Key, Change> changes = new TreeMap<>();
        // Records that put nothing occur, but a root begins with one that does.
        boolean isEmpty = random.nextInt(10) == 0 && (ancestor != null || !entries.isEmpty());
        int count = isEmpty ? 0 : random.nextInt(1, 5);
        for (int i = 0; i < count; i++) {
            Key key = key(nextKey());
            changes.computeIfAbsent(key, k -> change(k, lsn));
        }
        entries.add(new Entry(lsn, previous, List.copyOf(changes.values())));
    }

    private int nextKey() {
        if (sequential == 0) {
            if (random.nextInt(30) > 0) {
                return random.nextInt(keyCount);
            }
            sequential = random.nextInt(10, 60);
            next = random.nextInt(keyCount);
        }
        sequential--;
        // Most of them block after block of one relation, of which there are three.
        next = (next + (random.nextInt(3) == 0 ? 0 : 3)) % keyCount;
        return next;
    }

    private Change change(Key key, Lsn lsn) {
        byte[] before = expected(key, lsn).orElse(null);
        byte[] bytes = new byte[random.nextInt(50) == 0 ? random.nextInt(9000) : random.nextInt(150)];
        random.nextBytes(bytes);
        int kind = random.nextInt(10);
        Value value;
        byte[] after;
        if (kind < 2 || (before != null && before.length > MAX_VALUE)) {
            value = new Value.Image(bytes);
            after = bytes;
        } else if (kind == 2 || before == null) {
            value = new WalRecord.Postgres(true, bytes);
            after = bytes;
        } else {
            value = new WalRecord.Postgres(false, bytes);
            after = AppendingRedo.append(before, bytes);
        }
        values.computeIfAbsent(key, k -> new TreeMap<>()).put(lsn, after);
        return new Change(key, value);
    }

    /** What a key has at {@code lsn}, which must not be beyond what was asked of {@link #after}; empty if nothing. */
    public Optional<byte[]> expected(Key key, Lsn lsn) {
        TreeMap<Lsn, byte[]> mine = values.get(key);
        if (mine != null && mine.floorEntry(lsn) != null) {
            return Optional.of(mine.floorEntry(lsn).getValue());
        }
        return ancestor == null ? Optional.empty() : ancestor.expected(key, Lsn.min(lsn, branchedAt));
    }
}
