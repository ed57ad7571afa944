package dev.palimpsest.storage.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts who holds a layer, so that its file stays while anybody reads it. The owner, that is the timeline, holds the layer
 * until it lets go with {@link #retire} or {@link #drop}; each reader from a {@link #tryAcquire} that returned true until
 * {@link #release}. Whoever lets go last runs what was said for that.
 *
 * <pre>
 *   held ── retire() or drop() ──► leaving ── last reader releases ──► gone
 *    tryAcquire() is true           tryAcquire() is false
 * </pre>
 *
 * <p>Safe for use by many threads; acquiring is one atomic operation. With {@code -Dpalimpsest.trackLayerReaders=true} it also
 * remembers where readers came from, to find one that has not left ({@link #readers}, {@link #acquired}).
 */
public final class LayerReferences {
    /** Names each reader by where it came from; costs more than many a read, so it is asked for. */
    private static final boolean TRACKED = Boolean.getBoolean("palimpsest.trackLayerReaders");

    /** Set in the state once the owner has let go. */
    private static final int LEAVING = 1 << 31;
    /** Set with it if the file is to be deleted. */
    private static final int DROPPED = 1 << 30;
    /** Set while there are readers, if somebody wants to know when there are none. The other bits count the readers. */
    private static final int AWAITED = 1 << 29;

    private final Object what;
    private final Last last;
    private final boolean tracked;
    private final AtomicInteger state = new AtomicInteger();
    private final Queue<Throwable> acquired = new ConcurrentLinkedQueue<>();

    /** What becomes of the layer's file. */
    public enum Fate {
        /** It stays. */
        KEEP,
        /** It is deleted. */
        DELETE
    }

    /** What is to be done when nobody holds the layer any more. */
    @FunctionalInterface
    public interface Last {
        /** Called once, in the thread of whoever let go last; must not throw. */
        void released(Fate fate);

        /**
         * There was a moment without readers after {@link #tellWhenIdle}; there may be readers again. Called in the thread
         * of the reader that left last; must not throw.
         */
        default void idle() {}
    }

    /**
     * Held by its owner.
     *
     * @param what the layer, whose text names it in messages
     */
    public LayerReferences(Object what, Last last) {
        this(what, last, TRACKED);
    }

    /** As the other one; {@code tracked} says whether it remembers where readers came from. */
    LayerReferences(Object what, Last last, boolean tracked) {
        this.what = what;
        this.last = last;
        this.tracked = tracked;
    }

    /** As {@link Layer#tryAcquire}. */
    public boolean tryAcquire() {
        int before = state.getAndUpdate(s -> s < 0 ? s : s + 1);
        if (before < 0) {
            return false;
        }
        if (tracked) {
            acquired.add(new Throwable("reader of layer " + what));
        }
        return true;
    }

    /**
     * As {@link Layer#release}.
     *
     * @throws IllegalStateException if there is no reader
     */
    public void release() {
        int before = state.getAndUpdate(LayerReferences::withoutOneReader);
        if (readers(before) == 0) {
            throw new IllegalStateException("layer " + what + " was released more often than acquired");
        }
        if (tracked && readers(before) == 1) {
            acquired.clear();
        }
        if (readers(before) == 1) {
            if (before < 0) {
                last.released(fate(before));
            } else if ((before & AWAITED) != 0) {
                last.idle();
            }
        }
    }

    private static int withoutOneReader(int state) {
        return switch (readers(state)) {
            case 0 -> state;
            case 1 -> (state - 1) & ~AWAITED;
            default -> state - 1;
        };
    }

    private static int readers(int state) {
        return state & ~(LEAVING | DROPPED | AWAITED);
    }

    /**
     * Has {@link Last#idle} called once when the last of those who read now, or come before they have left, has left. To be
     * told again one has to ask again.
     *
     * @return false if there is no reader now or the owner has let go; then nobody is told
     */
    public boolean tellWhenIdle() {
        int before = state.getAndUpdate(s -> s < 0 || readers(s) == 0 ? s : s | AWAITED);
        return before >= 0 && readers(before) > 0;
    }

    private static Fate fate(int state) {
        return (state & DROPPED) == 0 ? Fate.KEEP : Fate.DELETE;
    }

    /**
     * The owner lets go; the file stays.
     *
     * @throws IllegalStateException if it had let go before
     */
    public void retire() {
        letGo(LEAVING);
    }

    /**
     * The owner lets go, and the file is to be deleted.
     *
     * @throws IllegalStateException if it had let go before
     */
    public void drop() {
        letGo(LEAVING | DROPPED);
    }

    private void letGo(int how) {
        int before = state.getAndUpdate(s -> s < 0 ? s : s | how);
        if (before < 0) {
            throw new IllegalStateException("layer " + what + " was retired or dropped before");
        }
        if (before == 0) {
            last.released(fate(how));
        }
    }

    /** Whether the owner still holds it. */
    public boolean isOwned() {
        return state.get() >= 0;
    }

    /** How many readers hold it now. */
    public int readers() {
        return readers(state.get());
    }

    /**
     * Where readers came from since there was last none: for a test that finds that one has not left. Some of these may have
     * left. Empty unless that is tracked.
     */
    public List<Throwable> acquired() {
        return new ArrayList<>(acquired);
    }
}
