package dev.palimpsest.storage.remote.owner;

import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.SupersededException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.index.StoreOwner;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.remote.RemotePaths;
import dev.palimpsest.storage.remote.Retries;
import dev.palimpsest.storage.remote.RetryPolicy;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import dev.palimpsest.storage.runtime.Environment;
import dev.palimpsest.storage.runtime.Task;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store that cannot put an object on the condition that there is none, used as if it could, by the one server that owns it.
 * The owner is who is named in the object {@link RemotePaths#OWNER}, which it puts again with every heartbeat.
 *
 * <p><b>What holds.</b>
 *
 * <ul>
 *   <li>A server does not start while another one shows that it is there: it watches the object for as long as {@link
 *       OwnerSettings#takeover} unless the last owner has ended properly. No clocks are compared, only whether the object changes.
 *   <li>A server that finds another one's id puts and deletes nothing any more, for good.
 *   <li>A server that could not put its heartbeat for as long as {@link OwnerSettings#lease}, because the store, the network or
 *       the machine stood still, begins no put and no delete until it could; by then it has seen whether somebody took over.
 *   <li>Generations go on as ever: once the next server has claimed its own, the one before finds that before it acknowledges or
 *       deletes anything.
 *   <li>Within a server a put on the condition that there is nothing is decided by a look before it.
 * </ul>
 *
 * <p><b>What does not hold</b>, and does with conditions:
 *
 * <ul>
 *   <li>A put or delete that was begun within the lease and arrives after the takeover counts as if it had come in time: it may
 *       put an old manifest or index part over a newer one of the same generation, or delete what is needed.
 *   <li>Two servers that are started within a heartbeat of each other may both write until the first of them sees the other's
 *       id, at most about two heartbeats, if the second one's first put takes longer than a heartbeat.
 *   <li>A process that stands still between its look at the lease and the put, as a suspended machine may, is not stopped.
 *   <li>A put that was not answered may happen later, over a newer one of the same server.
 *   <li>Whoever writes to the store without this wrapper is not noticed.
 * </ul>
 *
 * <p>The owner object is in no listing. Safe for use by many threads.
 */
public final class OwnedObjectStore implements ObjectStore, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OwnedObjectStore.class);
    private static final ObjectKey OWNER = new ObjectKey(RemotePaths.OWNER);
    private static final RetryPolicy PATIENCE = new RetryPolicy(8, 50_000_000, 2_000_000_000);
    private static final int ID_BYTES = 16;

    private final ObjectStore store;
    private final Environment environment;
    private final OwnerSettings settings;
    private final Retries retries;
    private final RequestContext context;
    private final Cancellation cancellation = new Cancellation();
    /** Keys that are being put on a condition. */
    private final Set<ObjectKey> conditional = ConcurrentHashMap.newKeySet();

    private volatile StoreOwner own;
    private volatile long confirmedNanos;
    private volatile Optional<StoreOwner> successor = Optional.empty();
    private Optional<Task> beating = Optional.empty();

    private OwnedObjectStore(ObjectStore store, Environment environment, OwnerSettings settings, String name) {
        this.store = store;
        this.environment = environment;
        this.settings = settings;
        this.retries = new Retries(PATIENCE, environment);
        this.context = new RequestContext(TaskKind.LIFECYCLE, Clock.NEVER, cancellation);
        byte[] id = new byte[ID_BYTES];
        environment.random().nextBytes(id);
        this.own = new StoreOwner(HexFormat.of().formatHex(id), name, 0, false);
    }

    /**
     * Becomes the owner of a store. Waits for the takeover if the last owner has not ended properly, and for a heartbeat.
     *
     * @param store that has no conditions; stays the caller's to close, after this
     * @param name of this server, for people
     * @throws InvalidRequestException if another server has it
     */
    public static OwnedObjectStore take(
            ObjectStore store, Environment environment, OwnerSettings settings, String name, RequestContext context)
            throws StorageException {
        OwnedObjectStore owned = new OwnedObjectStore(store, environment, settings, name);
        owned.waitForOther(context);
        owned.retries.run("put", OWNER.value(), context, () -> {
            owned.put(owned.own, context);
            return true;
        });
        owned.sleep(settings.heartbeat().toNanos(), context);
        StoreOwner now = owned.read(context).orElse(owned.own);
        if (!now.id().equals(owned.own.id())) {
            throw taken(now);
        }
        owned.beating = Optional.of(environment.tasks().start("heartbeat of the store's owner", owned::beat));
        return owned;
    }

    private static InvalidRequestException taken(StoreOwner other) {
        return new InvalidRequestException(
                "the object store cannot keep two servers apart, and another one is using it: " + other.name() + ", id "
                        + other.id() + ", says so in " + OWNER);
    }

    private void waitForOther(RequestContext context) throws StorageException {
        Optional<StoreOwner> before = read(context);
        if (before.isEmpty() || before.get().released()) {
            return;
        }
        LOG.warn(
                "the last server on this object store, {}, did not end properly or is still there: watching it for {}",
                before.get().name(),
                settings.takeover());
        long end = environment.clock().nanos() + settings.takeover().toNanos();
        while (environment.clock().nanos() < end) {
            sleep(settings.heartbeat().toNanos(), context);
            Optional<StoreOwner> now = read(context);
            if (now.isEmpty() || now.get().released()) {
                return;
            }
            if (!now.equals(before)) {
                throw taken(now.get());
            }
        }
    }

    private void sleep(long nanos, RequestContext context) throws StorageException {
        environment.tasks().sleep(nanos, context.cancellation());
        context.checkCancelled();
    }

    private Optional<StoreOwner> read(RequestContext context) throws StorageException {
        try {
            byte[] bytes = retries.run(
                            "get", OWNER.value(), context, () -> store.read(OWNER, StoreOwner.MAX_BYTES, context))
                    .bytes();
            return Optional.of(StoreOwner.decode(bytes, OWNER.value()));
        } catch (ObjectStoreException e) {
            if (e.kind() == Kind.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Puts who owns the store; if that is still so, it is confirmed from before the put on. */
    private void put(StoreOwner owner, RequestContext context) throws StorageException {
        long before = environment.clock().nanos();
        // With every heartbeat another content, also if this one is not answered: whoever watches must see it change.
        own = owner;
        store.put(OWNER, ObjectSource.of(owner.encode()), PutCondition.ALWAYS, context);
        confirmedNanos = before;
    }

    private void beat() {
        while (!cancellation.isCancelled() && successor.isEmpty()) {
            environment.tasks().sleep(settings.heartbeat().toNanos(), cancellation);
            try {
                beatOnce();
            } catch (StorageException e) {
                if (!cancellation.isCancelled()) {
                    LOG.warn("the heartbeat of the store's owner failed and is tried again: {}", e.getMessage());
                }
            }
        }
    }

    private void beatOnce() throws StorageException {
        context.checkCancelled();
        Optional<StoreOwner> now = read(context);
        if (now.isPresent() && !now.get().id().equals(own.id())) {
            successor = now;
            LOG.error(
                    "another server, {}, has taken the object store: nothing is written there any more",
                    now.get().name());
            return;
        }
        put(own.next(), context);
    }

    /** Makes sure that this server still is the owner. */
    private void checkOwner(String operation, String object) throws StorageException {
        Optional<StoreOwner> other = successor;
        if (other.isPresent()) {
            throw new SupersededException("another server, " + other.get().name() + ", id "
                    + other.get().id() + ", has taken the object store: " + operation + " of " + object
                    + " is not done");
        }
        long silent = environment.clock().nanos() - confirmedNanos;
        if (silent > settings.lease().toNanos()) {
            throw new ObjectStoreException(
                    Kind.UNAVAILABLE,
                    operation,
                    object,
                    "for " + silent / 1_000_000 + " ms this server could not make sure that it still owns the store");
        }
    }

    @Override
    public Set<Capability> capabilities() {
        EnumSet<Capability> all = EnumSet.of(Capability.PUT_IF_ABSENT);
        all.addAll(store.capabilities());
        return Set.copyOf(all);
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        checkOwner("put", key.value());
        if (!(condition instanceof PutCondition.IfAbsent)) {
            return store.put(key, source, condition, context);
        }
        if (!conditional.add(key)) {
            throw new ObjectStoreException(Kind.UNAVAILABLE, "put", key.value(), "another put of it is on its way");
        }
        try {
            if (store.head(key, context).isPresent()) {
                throw new ObjectStoreException(Kind.PRECONDITION_FAILED, "put", key.value(), "there is such an object");
            }
            checkOwner("put", key.value());
            return store.put(key, source, PutCondition.ALWAYS, context);
        } finally {
            conditional.remove(key);
        }
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        checkOwner("copy", to.value());
        return store.copy(from, to, context);
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        return store.get(key, range, sink, context);
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        return store.head(key, context);
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        ListRequest asked = request;
        while (true) {
            Listing page = store.list(asked, context);
            List<ObjectInfo> objects = page.objects().stream()
                    .filter(object -> !object.key().equals(OWNER))
                    .toList();
            boolean isEmpty = objects.isEmpty() && page.folders().isEmpty();
            if (!isEmpty || page.next().isEmpty()) {
                return new Listing(objects, page.folders(), page.next());
            }
            asked = request.withAfter(page.next().get());
        }
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        checkOwner("delete", key.value());
        store.delete(key, context);
    }

    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        checkOwner("delete", keys.size() + " objects");
        store.deleteAll(keys, context);
    }

    /** Says that the store is free, so that the next server need not watch it. Call it when nothing is written any more. */
    @Override
    public void close() {
        cancellation.cancel();
        beating.ifPresent(Task::join);
        RequestContext last = RequestContext.of(TaskKind.LIFECYCLE);
        try {
            Optional<StoreOwner> now = read(last);
            if (successor.isEmpty() && now.isPresent() && now.get().id().equals(own.id())) {
                put(own.ended(), last);
            }
        } catch (StorageException e) {
            LOG.warn("the next server on this object store waits for {}: {}", settings.takeover(), e.getMessage());
        }
    }
}
