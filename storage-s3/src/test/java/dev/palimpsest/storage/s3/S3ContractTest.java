package dev.palimpsest.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectStoreContract;
import dev.palimpsest.storage.remote.PutCondition;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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

    @Test
    void whatIsTooLargeForOneRequestIsCopiedInParts() throws Exception {
        RequestContext context = RequestContext.of(TaskKind.TOOL);
        byte[] content = new byte[(int) (2 * S3Transfers.MIN_PART_BYTES + 54_321)];
        new Random(7).nextBytes(content);
        ObjectKey copy = new ObjectKey("copies/large");
        store().put(new ObjectKey("large"), ObjectSource.of(content), PutCondition.ALWAYS, context);
        store().copy(new ObjectKey("large"), copy, context);
        assertThat(store().read(copy, content.length, context).bytes()).isEqualTo(content);
    }

    ConditionalPuts conditions() {
        return ConditionalPuts.PROBE;
    }

    @Override
    protected boolean noticesConflicts() {
        return false;
    }
}
