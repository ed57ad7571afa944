package dev.palimpsest.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ObjectStore.Capability;
import dev.palimpsest.storage.runtime.Cancellation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What every {@link ObjectStore} does that has no faults: extend it, and give it an empty store. */
public abstract class ObjectStoreContract {
    private static final RequestContext CONTEXT = RequestContext.of(TaskKind.TOOL);

    /** The store under test; the same one throughout a test, empty at its start. */
    protected abstract ObjectStore store() throws Exception;

    /** Whether it refuses a key that goes on after another object's key with a {@code /}. */
    protected boolean noticesConflicts() {
        return true;
    }

    private ObjectInfo put(String key, String content) throws Exception {
        return store().put(key(key), source(content), PutCondition.ALWAYS, CONTEXT);
    }

    private String read(String key) throws Exception {
        return new String(store().read(key(key), 1 << 20, CONTEXT).bytes(), StandardCharsets.US_ASCII);
    }

    private static ObjectKey key(String key) {
        return new ObjectKey(key);
    }

    private static ObjectSource source(String content) {
        return ObjectSource.of(content.getBytes(StandardCharsets.US_ASCII));
    }

    private static void assertFails(ObjectStoreException.Kind kind, ThrowingCallable call) {
        ObjectStoreException failure = catchThrowableOfType(ObjectStoreException.class, call);
        assertThat(failure).isNotNull();
        assertThat(failure.kind()).isEqualTo(kind);
    }

    @Test
    void whatWasPutIsRead() throws Exception {
        ObjectInfo info = put("tenants/a/layer-1", "content");
        assertThat(info.key()).isEqualTo(key("tenants/a/layer-1"));
        assertThat(info.size()).isEqualTo(7);
        assertThat(read("tenants/a/layer-1")).isEqualTo("content");
        assertThat(store().head(info.key(), CONTEXT)).contains(info);
    }

    @Test
    void putReplaces() throws Exception {
        put("a", "a long content");
        put("a", "short");
        assertThat(read("a")).isEqualTo("short");
        assertThat(store().list(ListRequest.all(""), CONTEXT).objects()).hasSize(1);
    }

    @Test
    void emptyObjectIsAnObject() throws Exception {
        put("empty", "");
        assertThat(read("empty")).isEmpty();
        assertThat(store().head(key("empty"), CONTEXT))
                .get()
                .extracting(ObjectInfo::size)
                .isEqualTo(0L);
    }

    @Test
    void absentIsAbsent() throws Exception {
        put("b/c", "x");
        for (String absent : List.of("a", "a/b", "b", "b/cc", "b/d/e")) {
            assertThat(store().head(key(absent), CONTEXT)).as(absent).isEmpty();
            assertFails(ObjectStoreException.Kind.NOT_FOUND, () -> read(absent));
        }
    }

    @Test
    void sinkHearsNothingOfWhatIsAbsent() throws Exception {
        ObjectSink deaf = new ObjectSink() {
            @Override
            public void begin(ObjectInfo info, long length) {
                throw new AssertionError(info);
            }

            @Override
            public void write(long offset, ByteBuffer bytes) {
                throw new AssertionError(offset);
            }
        };
        for (ByteRange range : List.of(ByteRange.WHOLE, new ByteRange(5, 5), new ByteRange(0, 0))) {
            assertFails(ObjectStoreException.Kind.NOT_FOUND, () -> store().get(key("a"), range, deaf, CONTEXT));
        }
    }

    @Test
    void whatIsTooLargeIsNotPut() throws Exception {
        ObjectSource huge = new ObjectSource() {
            @Override
            public long size() {
                return ObjectStore.MAX_SIZE + 1;
            }

            @Override
            public void read(long offset, ByteBuffer target) {
                throw new AssertionError("read at " + offset);
            }
        };
        assertThatThrownBy(() -> store().put(key("a"), huge, PutCondition.ALWAYS, CONTEXT))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(store().head(key("a"), CONTEXT)).isEmpty();
    }

    @Test
    void emptyObjectHasNoRanges() throws Exception {
        put("empty", "");
        for (ByteRange range : List.of(new ByteRange(0, 5), new ByteRange(3, 1), new ByteRange(0, 0))) {
            BytesSink sink = new BytesSink(0);
            assertThat(store().get(key("empty"), range, sink, CONTEXT).size()).isZero();
            assertThat(sink.bytes()).isEmpty();
        }
    }

    @Test
    void rangesAreClipped() throws Exception {
        put("a", "0123456789");
        assertThat(range(0, 10)).isEqualTo("0123456789");
        assertThat(range(3, 4)).isEqualTo("3456");
        assertThat(range(8, 100)).isEqualTo("89");
        assertThat(range(9, Long.MAX_VALUE)).isEqualTo("9");
        assertThat(range(10, 1)).isEmpty();
        assertThat(range(1_000, 1)).isEmpty();
        assertThat(range(4, 0)).isEmpty();
    }

    private String range(long offset, long length) throws Exception {
        BytesSink sink = new BytesSink(100);
        ObjectInfo info = store().get(key("a"), new ByteRange(offset, length), sink, CONTEXT);
        assertThat(info.size()).isEqualTo(10);
        return new String(sink.bytes(), StandardCharsets.US_ASCII);
    }

    @Test
    void largeObjectsComeInOrderAndWhole() throws Exception {
        byte[] content = new byte[(1 << 20) + 12_345];
        new Random(5).nextBytes(content);
        store().put(key("large"), ObjectSource.of(content), PutCondition.ALWAYS, CONTEXT);
        assertThat(store().read(key("large"), content.length, CONTEXT).bytes()).isEqualTo(content);
    }

    @Test
    void readIsBounded() throws Exception {
        put("a", "0123456789");
        assertThat(store().read(key("a"), 10, CONTEXT).bytes()).hasSize(10);
        assertThatThrownBy(() -> store().read(key("a"), 9, CONTEXT))
                .isInstanceOf(CorruptionException.class)
                .hasMessageContaining("10 bytes");
    }

    @Test
    void aCopyIsAnObjectOfItsOwn() throws Exception {
        put("a/b", "content");
        put("c", "before");
        for (String to : List.of("new/d", "c")) {
            ObjectInfo copy = store().copy(key("a/b"), key(to), CONTEXT);
            assertThat(copy.key()).isEqualTo(key(to));
            assertThat(copy.size()).isEqualTo(7);
            assertThat(store().head(key(to), CONTEXT)).contains(copy);
            assertThat(read(to)).isEqualTo("content");
        }
        put("a/b", "other content");
        assertThat(read("c")).isEqualTo("content");
        put("new/d", "replaced");
        assertThat(read("a/b")).isEqualTo("other content");
        store().delete(key("a/b"), CONTEXT);
        assertThat(read("c")).isEqualTo("content");
        assertThat(pages(ListRequest.all(""))).containsExactly("c", "new/d");
    }

    @Test
    void largeAndEmptyObjectsAreCopied() throws Exception {
        byte[] content = new byte[(1 << 20) + 12_345];
        new Random(6).nextBytes(content);
        store().put(key("large"), ObjectSource.of(content), PutCondition.ALWAYS, CONTEXT);
        put("empty", "");
        store().copy(key("large"), key("copies/large"), CONTEXT);
        store().copy(key("empty"), key("copies/empty"), CONTEXT);
        assertThat(store().read(key("copies/large"), content.length, CONTEXT).bytes())
                .isEqualTo(content);
        assertThat(read("copies/empty")).isEmpty();
    }

    @Test
    void whatIsAbsentIsNotCopied() throws Exception {
        put("a", "x");
        assertFails(ObjectStoreException.Kind.NOT_FOUND, () -> store().copy(key("absent"), key("a"), CONTEXT));
        assertFails(ObjectStoreException.Kind.NOT_FOUND, () -> store().copy(key("absent/b"), key("c"), CONTEXT));
        assertThat(read("a")).isEqualTo("x");
        assertThat(store().head(key("c"), CONTEXT)).isEmpty();
        assertThatThrownBy(() -> store().copy(key("a"), key("a"), CONTEXT))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void deleteCanBeRepeated() throws Exception {
        put("a/b", "x");
        put("a/c", "y");
        store().delete(key("a/b"), CONTEXT);
        store().delete(key("a/b"), CONTEXT);
        store().delete(key("never/there"), CONTEXT);
        assertThat(store().head(key("a/b"), CONTEXT)).isEmpty();
        assertThat(read("a/c")).isEqualTo("y");
        put("a/b", "again");
        assertThat(read("a/b")).isEqualTo("again");
    }

    @Test
    void manyAreDeletedAtOnce() throws Exception {
        List<ObjectKey> keys = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            put("d" + i % 3 + "/" + i, "x");
            keys.add(key("d" + i % 3 + "/" + i));
        }
        keys.add(key("absent"));
        ObjectKey kept = keys.remove(7);
        store().deleteAll(keys, CONTEXT);
        store().deleteAll(keys, CONTEXT);
        store().deleteAll(List.of(), CONTEXT);
        List<ObjectKey> many = new ArrayList<>(List.of(key("d0/first")));
        for (int i = 0; i < 1100; i++) {
            many.add(key("absent/" + i));
        }
        many.add(key("d0/last"));
        put("d0/first", "x");
        put("d0/last", "x");
        store().deleteAll(many, CONTEXT);
        assertThat(store().list(ListRequest.all(""), CONTEXT).objects())
                .extracting(ObjectInfo::key)
                .containsExactly(kept);
    }

    @Test
    void listIsInOrderAndPaged() throws Exception {
        TreeSet<String> keys = new TreeSet<>(List.of("a-b", "a/b", "a/b-c", "a/c/d", "a.b", "ab", "b/a", "B", "a0/x"));
        for (String key : keys) {
            put(key, "content of " + key);
        }
        for (String prefix : List.of("", "a", "a/", "a/b", "a/c/", "b/a", "zz", "a/b/", "x/y/")) {
            List<String> expected =
                    keys.stream().filter(key -> key.startsWith(prefix)).toList();
            for (int limit : new int[] {1, 2, 3, 1000}) {
                assertThat(pages(ListRequest.all(prefix).withLimit(limit)))
                        .as("prefix %s, pages of %d", prefix, limit)
                        .isEqualTo(expected);
            }
        }
        assertThat(store().list(ListRequest.all("ab"), CONTEXT).objects())
                .singleElement()
                .extracting(ObjectInfo::size)
                .isEqualTo(13L);
    }

    @Test
    void listOfOneLevelShowsFolders() throws Exception {
        for (String key : List.of("t/1/a", "t/1/b", "t/2/x/y", "t/20", "t/3-", "t/3/z", "u/1")) {
            put(key, "x");
        }
        for (int limit : new int[] {1, 2, 1000}) {
            assertThat(pages(ListRequest.one("t/").withLimit(limit)))
                    .containsExactly("t/1/", "t/2/", "t/20", "t/3-", "t/3/");
            assertThat(pages(ListRequest.one("t/2").withLimit(limit))).containsExactly("t/2/", "t/20");
            assertThat(pages(ListRequest.one("").withLimit(limit))).containsExactly("t/", "u/");
        }
        store().deleteAll(List.of(key("t/2/x/y"), key("u/1")), CONTEXT);
        assertThat(pages(ListRequest.one("t/"))).doesNotContain("t/2/");
        assertThat(pages(ListRequest.one(""))).containsExactly("t/");
    }

    private List<String> pages(ListRequest first) throws Exception {
        List<String> found = new ArrayList<>();
        ListRequest request = first;
        while (true) {
            Listing page = store().list(request, CONTEXT);
            TreeSet<String> both = new TreeSet<>(page.folders());
            page.objects().forEach(info -> both.add(info.key().value()));
            assertThat(both.size()).isLessThanOrEqualTo(request.limit());
            found.addAll(both);
            if (page.next().isEmpty()) {
                return found;
            }
            assertThat(both).isNotEmpty();
            request = request.withAfter(page.next().get());
        }
    }

    @Test
    void keysThatGoOnAfterAnObjectAreRefused() throws Exception {
        assumeTrue(noticesConflicts());
        put("a", "x");
        put("b/c", "x");
        assertFails(ObjectStoreException.Kind.REFUSED, () -> put("a/b", "y"));
        assertFails(ObjectStoreException.Kind.REFUSED, () -> put("a/b/c", "y"));
        assertFails(ObjectStoreException.Kind.REFUSED, () -> put("b", "y"));
        assertThat(read("a")).isEqualTo("x");
        assertThat(read("b/c")).isEqualTo("x");
    }

    @Test
    void putIfAbsent() throws Exception {
        assumeTrue(store().capabilities().contains(Capability.PUT_IF_ABSENT));
        store().put(key("d/a"), source("first"), PutCondition.IF_ABSENT, CONTEXT);
        assertFails(
                ObjectStoreException.Kind.PRECONDITION_FAILED,
                () -> store().put(key("d/a"), source("second"), PutCondition.IF_ABSENT, CONTEXT));
        assertThat(read("d/a")).isEqualTo("first");
        store().delete(key("d/a"), CONTEXT);
        store().put(key("d/a"), source("third"), PutCondition.IF_ABSENT, CONTEXT);
        assertThat(read("d/a")).isEqualTo("third");
    }

    @Test
    void putIfMatch() throws Exception {
        assumeTrue(store().capabilities().contains(Capability.PUT_IF_MATCH));
        ObjectInfo first = put("a", "first");
        PutCondition isFirst = new PutCondition.IfMatch(first.version().orElseThrow());
        ObjectInfo second = store().put(key("a"), source("second"), isFirst, CONTEXT);
        assertThat(second.version()).isNotEqualTo(first.version());
        assertFails(
                ObjectStoreException.Kind.PRECONDITION_FAILED,
                () -> store().put(key("a"), source("third"), isFirst, CONTEXT));
        assertThat(read("a")).isEqualTo("second");
        store().delete(key("a"), CONTEXT);
        assertFails(
                ObjectStoreException.Kind.PRECONDITION_FAILED,
                () -> store().put(key("a"), source("third"), isFirst, CONTEXT));
        assertThat(store().head(key("a"), CONTEXT)).isEmpty();
    }

    @Test
    void conditionsThatAStoreCannotDoAreRefused() throws Exception {
        if (!store().capabilities().contains(Capability.PUT_IF_MATCH)) {
            put("a", "x");
            assertThat(store().head(key("a"), CONTEXT).orElseThrow().version()).isEqualTo(Optional.empty());
            assertFails(
                    ObjectStoreException.Kind.REFUSED,
                    () -> store().put(
                                    key("a"), source("y"), new PutCondition.IfMatch(new ObjectVersion("1")), CONTEXT));
            assertThat(read("a")).isEqualTo("x");
        }
        if (!store().capabilities().contains(Capability.PUT_IF_ABSENT)) {
            assertFails(
                    ObjectStoreException.Kind.REFUSED,
                    () -> store().put(key("n"), source("y"), PutCondition.IF_ABSENT, CONTEXT));
        }
        assertThat(store().head(key("n"), CONTEXT)).isEmpty();
    }

    @Test
    void sourceThatFailsPutsNothing() throws Exception {
        put("a", "before");
        InvalidRequestException failure = new InvalidRequestException("unreadable");
        ObjectSource broken = new ObjectSource() {
            @Override
            public long size() {
                return 10;
            }

            @Override
            public void read(long offset, ByteBuffer target) throws StorageException {
                throw failure;
            }
        };
        assertThatThrownBy(() -> store().put(key("a"), broken, PutCondition.ALWAYS, CONTEXT))
                .isSameAs(failure);
        assertThat(read("a")).isEqualTo("before");
    }

    @Test
    void sinkThatFailsEndsTheGet() throws Exception {
        put("a", "content");
        InvalidRequestException failure = new InvalidRequestException("no room");
        ObjectSink full = new ObjectSink() {
            @Override
            public void begin(ObjectInfo info, long length) {}

            @Override
            public void write(long offset, ByteBuffer bytes) throws StorageException {
                throw failure;
            }
        };
        assertThatThrownBy(() -> store().get(key("a"), ByteRange.WHOLE, full, CONTEXT))
                .isSameAs(failure);
    }

    @Test
    void cancelledRequestsDoNothing() throws Exception {
        put("a", "x");
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        RequestContext cancelled = CONTEXT.withCancellation(cancellation);
        List<ThrowingCallable> calls = List.of(
                () -> store().put(key("b"), source("y"), PutCondition.ALWAYS, cancelled),
                () -> store().copy(key("a"), key("b"), cancelled),
                () -> store().get(key("a"), ByteRange.WHOLE, new BytesSink(10), cancelled),
                () -> store().head(key("a"), cancelled),
                () -> store().list(ListRequest.all(""), cancelled),
                () -> store().delete(key("a"), cancelled));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call).isInstanceOf(CancelledException.class);
        }
        assertThat(store().head(key("b"), CONTEXT)).isEmpty();
        assertThat(read("a")).isEqualTo("x");
    }
}
