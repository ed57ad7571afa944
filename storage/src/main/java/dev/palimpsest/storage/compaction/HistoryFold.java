package dev.palimpsest.storage.compaction;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reduces the versions of one key after the other to what the retained LSNs need.
 *
 * <pre>
 *   versions      i  r  r   r  r i r   r   r r r r          i: needs nothing older, r: a record
 *   retained              ▲          ▲       ├───┤ ▲
 *   bottom                I                                 an image as of the first retained LSN, if it may be
 *   kept                        i r          r r r r        of each other the versions since the one before, from the last
 *                                    └ or I                 that needs nothing older on; or an image, if that is smaller or
 *                                                           too many records lie one upon another
 * </pre>
 *
 * <p>Within a span of LSNs every version is kept. An image stands at the LSN of the version that it is the result of.
 *
 * <p>In memory are the versions of one key since the retained LSN before; when there are many, an image takes their place.
 */
final class HistoryFold {
    /** So many bytes or versions of a key are held until an image takes their place. */
    private static final int FOLD_BYTES = 64 << 10;

    private static final int FOLD_VERSIONS = 256;

    /** Where to put what is kept. */
    interface Output {
        /** The value as of the first retained LSN. */
        void bottom(Key key, byte[] value) throws StorageException;

        /** A version above that, or below where there is no bottom; ascending. */
        void keep(Key key, Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException;

        /** An image layer that says that a key is not there, which nothing that is kept says. */
        void needed(LayerName layer);
    }

    /** Makes values. */
    @FunctionalInterface
    interface Rebuild {
        /** The value that a key has after the last of some versions, ascending, of which the first needs nothing older. */
        byte[] rebuild(Key key, List<ReconstructState.Version> versions) throws StorageException;
    }

    /** What becomes of the value as of the first retained LSN. */
    enum Bottom {
        /** It is written as an image. */
        IMAGE,
        /** An image layer at that LSN has it, and stays. */
        THERE,
        /** What the key has below is not known here: an ancestor may have it. */
        NONE
    }

    /** A version as it lies in a delta layer. */
    private record Stored(Lsn lsn, byte[] bytes, boolean willInit) {
        static Stored image(Lsn lsn, byte[] image) {
            ByteBuffer encoded = ByteBuffer.allocate(ValueCodec.encodedImageSize(image.length));
            ValueCodec.encodeImage(ByteBuffer.wrap(image), encoded);
            return new Stored(lsn, encoded.array(), true);
        }
    }

    private final TimelineId timeline;
    private final Rebuild redo;
    private final List<RetainedHistory.Span> spans;
    private final int maxChain;
    private final Output output;

    private Key key = Key.MIN;
    private Bottom bottom = Bottom.NONE;
    /** The span that the next version belongs to. */
    private int span;
    /** Versions up to the beginning of the span, since the span before; begins with the last that needs nothing older. */
    private final List<Stored> pending = new ArrayList<>();

    private long pendingBytes;
    /** What makes the value before {@link #pending}; empty if that is not known, or there is none. */
    private final List<Stored> before = new ArrayList<>();
    /** How many records were kept since the last version kept that needs nothing older. */
    private int chain;
    /** Whether anything was put out for the key. */
    private boolean any;
    /** The newest image layer in which the key is not, if nothing came after it. */
    private @Nullable LayerName absence;

    /** @param retained its last LSN is not before any version */
    HistoryFold(TimelineId timeline, Rebuild redo, RetainedHistory retained, int maxChain, Output output) {
        this.timeline = timeline;
        this.redo = redo;
        this.spans = retained.spans();
        this.maxChain = maxChain;
        this.output = output;
    }

    /** Begins with a key. */
    void begin(Key next, Bottom at) {
        key = next;
        bottom = at;
        span = 0;
        clearPending();
        before.clear();
        chain = 0;
        any = false;
        absence = null;
    }

    /** Adds a version, newer than all before, from its position to its limit, which stay. */
    void add(Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException {
        byte[] bytes = new byte[value.remaining()];
        value.get(value.position(), bytes);
        Stored version = new Stored(lsn, bytes, willInit);
        advanceTo(lsn);
        if (willInit) {
            clearPending();
            absence = null;
        }
        if (lsn.isAfter(spans.get(span).from())) {
            keepAll(List.of(version));
            return;
        }
        pending.add(version);
        pendingBytes += bytes.length;
        if (pendingBytes > FOLD_BYTES || pending.size() > FOLD_VERSIONS) {
            fold();
        }
    }

    /** An image layer at this LSN, not before any version so far, says that the key has no value. */
    void absent(Lsn lsn, LayerName layer) throws StorageException {
        advanceTo(lsn);
        clearPending();
        before.clear();
        absence = layer;
    }

    /** Ends the key. */
    void end() throws StorageException {
        close();
        if (absence != null && any) {
            output.needed(absence);
        }
    }

    private void clearPending() {
        pending.clear();
        pendingBytes = 0;
    }

    private void advanceTo(Lsn lsn) throws StorageException {
        while (lsn.isAfter(spans.get(span).to())) {
            close();
            span++;
        }
        if (lsn.isAfter(spans.get(span).from())) {
            close();
        }
    }

    /** Puts out what the beginning of the span needs. */
    private void close() throws StorageException {
        if (absence != null && any) {
            output.needed(absence);
        }
        if (pending.isEmpty()) {
            return;
        }
        boolean complete = pending.getFirst().willInit;
        if (span == 0 && bottom != Bottom.NONE && complete) {
            byte[] value = rebuild();
            if (bottom == Bottom.IMAGE) {
                output.bottom(key, value);
            }
            any = true;
            startFrom(Stored.image(pending.getLast().lsn, value));
            clearPending();
            return;
        }
        int records = complete ? pending.size() - 1 : chain + pending.size();
        boolean tooMuch = records > maxChain || pendingBytes > PageLayout.PAGE_SIZE + ValueCodec.IMAGE_HEADER_SIZE;
        boolean isImage = complete && pending.size() == 1;
        if (tooMuch && !isImage && (complete || !before.isEmpty())) {
            Stored image = Stored.image(pending.getLast().lsn, rebuild());
            clearPending();
            keepAll(List.of(image));
        } else {
            List<Stored> all = List.copyOf(pending);
            clearPending();
            keepAll(all);
        }
    }

    private void keepAll(List<Stored> versions) throws StorageException {
        for (Stored version : versions) {
            output.keep(key, version.lsn, ByteBuffer.wrap(version.bytes), version.willInit);
            any = true;
            if (version.willInit) {
                startFrom(version);
            } else {
                chain++;
                if (!before.isEmpty()) {
                    before.add(version);
                }
            }
        }
        if (before.size() > FOLD_VERSIONS) {
            Stored image = Stored.image(before.getLast().lsn, rebuild());
            before.clear();
            before.add(image);
        }
    }

    private void startFrom(Stored version) {
        before.clear();
        before.add(version);
        chain = 0;
    }

    /** Makes room: an image takes the place of what is pending or, if none can be made, it is put out as it is. */
    private void fold() throws StorageException {
        if (pending.getFirst().willInit || !before.isEmpty()) {
            Stored image = Stored.image(pending.getLast().lsn, rebuild());
            clearPending();
            pending.add(image);
            pendingBytes = image.bytes.length;
        } else {
            List<Stored> all = List.copyOf(pending);
            clearPending();
            keepAll(all);
        }
    }

    /** The value after all that is pending. */
    private byte[] rebuild() throws StorageException {
        List<ReconstructState.Version> versions = new ArrayList<>(before.size() + pending.size());
        if (pending.isEmpty() || !pending.getFirst().willInit) {
            for (Stored version : before) {
                versions.add(decoded(version));
            }
        }
        for (Stored version : pending) {
            versions.add(decoded(version));
        }
        return redo.rebuild(key, versions);
    }

    private ReconstructState.Version decoded(Stored version) throws CorruptionException {
        Value value = ValueCodec.decode(
                ByteBuffer.wrap(version.bytes),
                "value of key " + key + " at " + version.lsn + " of timeline " + timeline,
                0);
        return new ReconstructState.Version(version.lsn, value);
    }
}
