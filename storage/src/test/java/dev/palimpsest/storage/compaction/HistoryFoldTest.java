package dev.palimpsest.storage.compaction;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.compaction.RetainedHistory.Span;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.ImageLayerName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.ValueCodec;
import dev.palimpsest.storage.value.WalRecord;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Of random versions of a key, what the fold puts out has at each retained LSN the value that all of them have there. */
class HistoryFoldTest {
    private static final TimelineId TIMELINE = new TimelineId(1, 1);
    private static final Key KEY = new Key(1663, 16384, (char) 7);
    /** What an ancestor has of a key of which nothing that needs nothing older is here. */
    private static final byte[] INHERITED = {-1};

    /** A version, or with no value that an image layer has none. */
    private record Event(Lsn lsn, @Nullable Value value) {}

    private static byte[] rebuild(@Nullable Iterable<Value> values, byte[] base) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(base);
        for (Value value : values == null ? List.<Value>of() : values) {
            if (value.willInit()) {
                bytes.reset();
            }
            bytes.writeBytes(
                    switch (value) {
                        case Value.Image(byte[] image) -> image;
                        case WalRecord.Postgres(boolean _, byte[] record) -> record;
                        default -> throw new AssertionError(value);
                    });
        }
        return bytes.toByteArray();
    }

    private static byte[] rebuild(Key key, List<ReconstructState.Version> versions) {
        assertThat(key).isEqualTo(KEY);
        assertThat(versions.getFirst().value().willInit())
                .as("the first needs nothing older")
                .isTrue();
        assertThat(versions).isSortedAccordingTo((one, other) -> one.lsn().compareTo(other.lsn()));
        return rebuild(versions.stream().map(ReconstructState.Version::value).toList(), new byte[0]);
    }

    /** One key's history, its fold, and what comes of it. */
    private static final class Run implements HistoryFold.Output {
        final SplittableRandom random;
        final HistoryFold.Bottom at;
        final List<Event> events = new ArrayList<>();
        final RetainedHistory retained;
        final int maxChain;

        byte @Nullable [] bottom;
        final TreeMap<Lsn, Value> kept = new TreeMap<>();
        final Set<LayerName> needed = new HashSet<>();

        Run(long seed, HistoryFold.Bottom at) {
            this.random = new SplittableRandom(seed);
            this.at = at;
            int count = random.nextInt(20) == 0 ? random.nextInt(1, 1200) : random.nextInt(1, 30);
            int size = random.nextInt(10) == 0 ? 5000 : 4;
            long lsn = 100;
            boolean exists = at == HistoryFold.Bottom.NONE;
            for (int i = 0; i < count; i++) {
                lsn += random.nextInt(1, 4);
                if (at != HistoryFold.Bottom.NONE && random.nextInt(12) == 0) {
                    events.add(new Event(new Lsn(lsn), null));
                    exists = false;
                } else {
                    boolean init = !exists || random.nextInt(6) == 0;
                    events.add(new Event(new Lsn(lsn), value(init, random.nextInt(1, size))));
                    exists = true;
                }
            }
            this.retained = retained(new Lsn(98), new Lsn(lsn + random.nextInt(3)));
            this.maxChain = random.nextInt(6);
        }

        private Value value(boolean init, int size) {
            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++) {
                bytes[i] = (byte) random.nextInt(100);
            }
            return init && random.nextBoolean() ? new Value.Image(bytes) : new WalRecord.Postgres(init, bytes);
        }

        private RetainedHistory retained(Lsn first, Lsn last) {
            List<Span> spans = new ArrayList<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                Lsn from = first.plus(random.nextLong(last.bytesSince(first) + 1));
                Lsn to = random.nextBoolean() ? from : Lsn.min(last, from.plus(random.nextInt(12)));
                spans.add(new Span(from, to));
            }
            return RetainedHistory.of(spans).between(first, last);
        }

        void fold() throws StorageException {
            HistoryFold fold = new HistoryFold(TIMELINE, HistoryFoldTest::rebuild, retained, maxChain, this);
            fold.begin(KEY, at);
            for (Event event : events) {
                if (event.value == null) {
                    fold.absent(event.lsn, name(event.lsn));
                } else {
                    ByteBuffer bytes = ByteBuffer.allocate(ValueCodec.encodedSize(event.value));
                    ValueCodec.encode(event.value, bytes);
                    fold.add(event.lsn, bytes.flip(), event.value.willInit());
                }
            }
            fold.end();
        }

        private static LayerName name(Lsn lsn) {
            return new ImageLayerName(KeyRange.single(KEY), lsn);
        }

        @Override
        public void bottom(Key key, byte[] value) {
            assertThat(at).isEqualTo(HistoryFold.Bottom.IMAGE);
            assertThat(bottom).as("one image").isNull();
            bottom = value;
        }

        @Override
        public void keep(Key key, Lsn lsn, ByteBuffer value, boolean willInit) throws StorageException {
            Value decoded = ValueCodec.decode(value.duplicate(), "kept", 0);
            assertThat(decoded.willInit()).isEqualTo(willInit);
            assertThat(kept).as("ascending").doesNotContainKey(lsn);
            if (!kept.isEmpty()) {
                assertThat(lsn).isGreaterThan(kept.lastKey());
            }
            kept.put(lsn, decoded);
        }

        @Override
        public void needed(LayerName layer) {
            needed.add(layer);
        }

        /** What all versions have; null if the key is not there. */
        byte @Nullable [] expected(Lsn lsn) {
            List<Value> values = new ArrayList<>();
            boolean exists = at == HistoryFold.Bottom.NONE;
            for (Event event : events) {
                if (event.lsn.isAfter(lsn)) {
                    break;
                }
                exists = event.value != null;
                if (event.value == null) {
                    values.clear();
                } else {
                    values.add(event.value);
                }
            }
            return exists ? rebuild(values, at == HistoryFold.Bottom.NONE ? INHERITED : new byte[0]) : null;
        }

        /** What is left has, read as layers are: down to the first that needs nothing older, or that has no value. */
        byte @Nullable [] found(Lsn lsn) {
            Lsn first = retained.spans().getFirst().from();
            byte[] base = at == HistoryFold.Bottom.IMAGE ? bottom : null;
            if (at == HistoryFold.Bottom.THERE) {
                base = expected(first);
            } else if (at == HistoryFold.Bottom.NONE) {
                base = INHERITED;
            }
            List<Value> values = new ArrayList<>();
            for (Map.Entry<Lsn, Value> version :
                    kept.headMap(lsn, true).descendingMap().entrySet()) {
                if (isHidden(version.getKey(), lsn)) {
                    base = null;
                    break;
                }
                values.addFirst(version.getValue());
                if (version.getValue().willInit()) {
                    return rebuild(values, new byte[0]);
                }
            }
            if (values.isEmpty() && isHidden(first, lsn)) {
                return null;
            }
            return base == null && values.isEmpty() ? null : rebuild(values, base == null ? new byte[0] : base);
        }

        /** Whether a layer that stays says, between two LSNs, that the key is not there. */
        private boolean isHidden(Lsn after, Lsn upTo) {
            return events.stream()
                    .anyMatch(event -> event.value == null
                            && !event.lsn.isBefore(after)
                            && !event.lsn.isAfter(upTo)
                            && needed.contains(name(event.lsn)));
        }

        void check(long seed) {
            for (Span span : retained.spans()) {
                for (Lsn lsn = span.from(); !lsn.isAfter(span.to()); lsn = lsn.plus(1)) {
                    assertThat(found(lsn))
                            .as("seed %d, bottom %s, at %s of %s", seed, at, lsn, retained)
                            .isEqualTo(expected(lsn));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsRetainedIsAsBefore(HistoryFold.Bottom at) throws StorageException {
        for (long seed = 1; seed <= 1_000; seed++) {
            Run run = new Run(seed, at);
            run.fold();
            run.check(seed);
        }
    }

    @Test
    void whatNobodyReadsIsGone() throws StorageException {
        HistoryFold.Bottom at = HistoryFold.Bottom.IMAGE;
        long versions = 0;
        long kept = 0;
        for (long seed = 1; seed <= 1_000; seed++) {
            Run run = new Run(seed, at);
            run.fold();
            versions += run.events.size();
            kept += run.kept.size();
            long within = run.events.stream()
                    .filter(event -> run.retained.spans().stream()
                            .anyMatch(span -> event.lsn.isAfter(span.from()) && !event.lsn.isAfter(span.to())))
                    .count();
            long single = (long) (run.maxChain + 1) * run.retained.spans().size();
            assertThat((long) run.kept.size())
                    .as("seed %d: versions within spans, and a chain before each of them", seed)
                    .isLessThanOrEqualTo(within + single);
        }
        assertThat(kept).isLessThan(versions / 2);
    }
}
