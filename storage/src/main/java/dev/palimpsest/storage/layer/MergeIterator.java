package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.key.Key;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Walks over many inputs as if they were one, in order of (key, LSN); at the same key and LSN images come before WAL records,
 * and nothing is dropped. An input is opened only when the walk reaches the first place where it can have a value, and closed
 * when it is at its end, so that of inputs that follow one another few are open at a time.
 */
public final class MergeIterator implements LayerIterator {
    /**
     * Something to merge, not opened yet.
     *
     * @param firstKey no value of it is at a lesser key
     * @param firstLsn no value of it is at an earlier LSN
     * @param opener opens it, before its first value; called at most once
     */
    public record Input(Key firstKey, Lsn firstLsn, Opener opener) {}

    /** Opens something to merge. */
    @FunctionalInterface
    public interface Opener {
        /** Opens it. */
        LayerIterator open() throws StorageException;
    }

    private final PriorityQueue<Cursor> cursors;
    private @Nullable Cursor current;

    /** An input and where it stands: before it is opened at the least place where it can have a value. */
    private static final class Cursor implements Comparable<Cursor> {
        private final Input input;
        private final int ordinal;
        private Key key;
        private Lsn lsn;
        private @Nullable LayerIterator iterator;

        Cursor(Input input, int ordinal) {
            this.input = input;
            this.ordinal = ordinal;
            this.key = input.firstKey();
            this.lsn = input.firstLsn();
        }

        /** Moves on, opening the input first if it is not; at its end closes it and returns false. */
        boolean advance() throws StorageException {
            LayerIterator opened = iterator;
            if (opened == null) {
                opened = input.opener().open();
                iterator = opened;
            }
            if (!opened.next()) {
                opened.close();
                return false;
            }
            Key nextKey = opened.key();
            Lsn nextLsn = opened.lsn();
            int order = nextKey.compareTo(key);
            if (order < 0 || (order == 0 && nextLsn.isBefore(lsn))) {
                throw new IllegalStateException(
                        "input of a merge went back from " + key + "@" + lsn + " to " + nextKey + "@" + nextLsn);
            }
            key = nextKey;
            lsn = nextLsn;
            return true;
        }

        /** An input that is not open comes first: only once it is can be said what it has at this place. */
        private int rank() {
            return iterator == null ? 0 : iterator.isImage() ? 1 : 2;
        }

        @Override
        public int compareTo(Cursor other) {
            int order = key.compareTo(other.key);
            if (order == 0) {
                order = lsn.compareTo(other.lsn);
            }
            if (order == 0) {
                order = Integer.compare(rank(), other.rank());
            }
            return order != 0 ? order : Integer.compare(ordinal, other.ordinal);
        }
    }

    /** Opens none of the inputs yet. At the same key, LSN and kind of value they come in the order of the list. */
    public MergeIterator(List<Input> inputs) {
        List<Cursor> all = new ArrayList<>(inputs.size());
        for (Input input : inputs) {
            all.add(new Cursor(input, all.size()));
        }
        cursors = new PriorityQueue<>(all);
    }

    @Override
    public boolean next() throws StorageException {
        Cursor moving = current;
        current = null;
        while (true) {
            if (moving == null || !movesOn(moving)) {
                moving = cursors.poll();
            } else if (isBehind(moving)) {
                cursors.add(moving);
                moving = cursors.poll();
            }
            if (moving == null) {
                return false;
            }
            if (moving.iterator != null) {
                current = moving;
                return true;
            }
        }
    }

    /** Whether another comes first. Often none does: the next value is of the same page. */
    private boolean isBehind(Cursor cursor) {
        Cursor first = cursors.peek();
        return first != null && first.compareTo(cursor) < 0;
    }

    /** False if it is at its end, and closed. */
    private static boolean movesOn(Cursor cursor) throws StorageException {
        boolean moved = false;
        try {
            moved = cursor.advance();
        } finally {
            if (!moved && cursor.iterator != null) {
                cursor.iterator.close();
            }
        }
        return moved;
    }

    private Cursor current() {
        Cursor cursor = current;
        if (cursor == null) {
            throw new IllegalStateException("the iterator does not stand on a value");
        }
        return cursor;
    }

    private LayerIterator iterator() {
        LayerIterator iterator = current().iterator;
        if (iterator == null) {
            throw new IllegalStateException("the iterator does not stand on a value");
        }
        return iterator;
    }

    @Override
    public Key key() {
        return current().key;
    }

    @Override
    public Lsn lsn() {
        return current().lsn;
    }

    @Override
    public ByteBuffer value() {
        return iterator().value();
    }

    @Override
    public boolean willInit() {
        return iterator().willInit();
    }

    @Override
    public boolean isImage() {
        return iterator().isImage();
    }

    @Override
    public void close() {
        if (current != null) {
            cursors.add(current);
            current = null;
        }
        for (Cursor cursor : cursors) {
            if (cursor.iterator != null) {
                cursor.iterator.close();
            }
        }
        cursors.clear();
    }
}
