package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** Calls a store at random, on keys of its own, and holds every answer against what it knows to be there. */
final class RandomClient {
    private static final int KEYS = 4;
    private static final int SMALL = 300_000;

    private final ObjectStore store;
    private final int number;
    private final Map<ObjectKey, byte[]> expected;
    private final RequestContext context;
    private final SplittableRandom random;

    RandomClient(ObjectStore store, int number, Map<ObjectKey, byte[]> expected, RequestContext context) {
        this.store = store;
        this.number = number;
        this.expected = expected;
        this.context = context;
        this.random = new SplittableRandom(1000 + number);
    }

    void run(int calls) throws StorageException {
        put(key(), content((int) (2 * S3Transfers.MIN_PART_BYTES) + 77), PutCondition.ALWAYS);
        for (int i = 0; i < calls; i++) {
            ObjectKey key = key();
            switch (random.nextInt(6)) {
                case 0 -> put(key, content(random.nextInt(SMALL)), PutCondition.ALWAYS);
                case 1 -> putIfAbsent(key);
                case 2 -> putIfMatch(key);
                case 3 -> read(key);
                case 4 -> {
                    store.delete(key, context);
                    expected.remove(key);
                }
                default -> {
                    ObjectKey other = key();
                    store.deleteAll(List.of(key, other), context);
                    expected.remove(key);
                    expected.remove(other);
                }
            }
            assertThat(store.head(key, context).map(ObjectInfo::size))
                    .as("client %d, call %d, %s", number, i, key)
                    .isEqualTo(Optional.ofNullable(expected.get(key)).map(bytes -> (long) bytes.length));
        }
    }

    private ObjectKey key() {
        return new ObjectKey("client-" + number + "/" + random.nextInt(KEYS));
    }

    private byte[] content(int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    private void put(ObjectKey key, byte[] content, PutCondition condition) throws StorageException {
        store.put(key, ObjectSource.of(content), condition, context);
        expected.put(key, content);
    }

    private void putIfAbsent(ObjectKey key) throws StorageException {
        byte[] content = content(random.nextInt(SMALL));
        if (expected.containsKey(key)) {
            refused(key, content, PutCondition.IF_ABSENT);
        } else {
            put(key, content, PutCondition.IF_ABSENT);
        }
    }

    private void putIfMatch(ObjectKey key) throws StorageException {
        byte[] content = content(random.nextInt(SMALL));
        Optional<ObjectVersion> version = store.head(key, context).flatMap(ObjectInfo::version);
        if (version.isPresent() && random.nextBoolean()) {
            put(key, content, new PutCondition.IfMatch(version.get()));
        } else {
            refused(key, content, new PutCondition.IfMatch(new ObjectVersion("\"0123456789abcdef0123456789abcdef\"")));
        }
    }

    private void refused(ObjectKey key, byte[] content, PutCondition condition) {
        ObjectStoreException failure = catchThrowableOfType(
                ObjectStoreException.class, () -> store.put(key, ObjectSource.of(content), condition, context));
        assertThat(failure).as("client %d, %s", number, key).isNotNull();
        assertThat(failure.kind()).as("%s", failure.getMessage()).isEqualTo(Kind.PRECONDITION_FAILED);
    }

    private void read(ObjectKey key) throws StorageException {
        if (expected.containsKey(key)) {
            assertThat(store.read(key, 64 << 20, context).bytes())
                    .as("client %d, %s", number, key)
                    .isEqualTo(expected.get(key));
        } else {
            assertThat(catchThrowableOfType(ObjectStoreException.class, () -> store.read(key, 1, context))
                            .kind())
                    .isEqualTo(Kind.NOT_FOUND);
        }
    }
}
