package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** What every object store does, by S3, whose conditions are found out by asking. */
class S3ContractTest extends ObjectStoreContract {
    private static @Nullable Buckets buckets;

    private @Nullable S3ObjectStore store;

    @BeforeAll
    static void start() {
        buckets = new Buckets();
    }

    @AfterAll
    static void stop() {
        if (buckets != null) {
            buckets.close();
        }
    }

    @AfterEach
    void closeStore() {
        if (store != null) {
            store.close();
        }
    }

    @Override
    protected ObjectStore store() throws Exception {
        if (store == null) {
            Buckets all = Objects.requireNonNull(buckets);
            store = S3ObjectStore.open(
                    all.make(conditions()), all.environment(1), RequestContext.of(TaskKind.LIFECYCLE));
        }
        return store;
    }

    ConditionalPuts conditions() {
        return ConditionalPuts.PROBE;
    }

    @Override
    protected boolean noticesConflicts() {
        return false;
    }
}
