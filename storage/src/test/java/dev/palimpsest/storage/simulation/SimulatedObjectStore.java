package dev.palimpsest.storage.simulation;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.ObjectStoreException.Kind;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectSource;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ObjectVersion;
import dev.palimpsest.storage.remote.PutCondition;
import dev.palimpsest.storage.simulation.FaultPlan.Outcome;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An object store in memory, that no crash of ours harms: what a put has answered is there. Each call is a point at which
 * others may run, before it takes effect and again before its answer arrives; so a process can die in between.
 */
public final class SimulatedObjectStore implements ObjectStore {
    private static final int CHUNK = 64 << 10;

    private final Scheduler scheduler;
    private final String name;
    private final FaultPlan failing;
    private final FaultPlan lost;
    private final FaultPlan late;
    private final FaultPlan slow;
    private final FaultPlan stale;
    private final FaultPlan damaging;
    private final SplittableRandom damage;
    private final TreeMap<String, Stored> objects = new TreeMap<>();
    /** What a listing shows; follows {@link #objects}, at once or later. */
    private final TreeMap<String, Stored> listed = new TreeMap<>();

    private final List<Lag> lags = new ArrayList<>();
    private ObjectStoreFaults faults;
    private long versions;
    private long calls;
    private long failingCall = -1;

    private record Stored(ObjectInfo info, byte[] bytes) {}

    /** A key whose change listings do not show until then. */
    private record Lag(String key, long untilNanos) {}

    @FunctionalInterface
    private interface Effect<T> {
        T apply() throws ObjectStoreException;
    }

    SimulatedObjectStore(Simulation simulation, Scheduler scheduler, String name, ObjectStoreFaults faults) {
        this.scheduler = scheduler;
        this.name = name;
        this.faults = faults;
        this.failing = new FaultPlan(simulation.random(name + " failing"));
        this.lost = new FaultPlan(simulation.random(name + " lost"));
        this.late = new FaultPlan(simulation.random(name + " late"));
        this.slow = new FaultPlan(simulation.random(name + " slow"));
        this.stale = new FaultPlan(simulation.random(name + " stale"));
        this.damaging = new FaultPlan(simulation.random(name + " damaging"));
        this.damage = simulation.random(name + " damage");
    }

    /** From now on it misbehaves like this. */
    public void misbehave(ObjectStoreFaults faults) {
        this.faults = faults;
    }

    /** How many calls there were. */
    public long calls() {
        return calls;
    }

    /**
     * Makes one call fail, whatever the faults say: the one that is number {@code call} as {@link #calls} counts, from 1.
     * Whether it happens all the same is drawn.
     */
    public void failCall(long call) {
        failingCall = call;
    }

    /** The keys of all objects there are, in their order; no call, and never stale. */
    public List<String> keys() {
        return List.copyOf(objects.keySet());
    }

    /** How large all objects are together; no call. */
    public long usedBytes() {
        return objects.values().stream()
                .mapToLong(stored -> stored.bytes().length)
                .sum();
    }

    @Override
    public Set<Capability> capabilities() {
        return Set.of(Capability.PUT_IF_ABSENT, Capability.PUT_IF_MATCH);
    }

    @Override
    public ObjectInfo put(ObjectKey key, ObjectSource source, PutCondition condition, RequestContext context)
            throws StorageException {
        if (source.size() > MAX_SIZE) {
            throw new IllegalArgumentException(
                    key + " has " + source.size() + " bytes, an object has at most " + MAX_SIZE);
        }
        byte[] bytes = new byte[Math.toIntExact(source.size())];
        source.read(0, ByteBuffer.wrap(bytes));
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        return change("put", key.value(), bytes.length, context, () -> {
            refuseConflict(key.value());
            check(condition, key);
            Optional<ObjectVersion> version = Optional.of(new ObjectVersion("v" + ++versions));
            Stored stored = new Stored(new ObjectInfo(key, bytes.length, version), bytes);
            objects.put(key.value(), stored);
            scheduler.trace.mix(checksum.getValue());
            changed(key.value());
            return stored.info();
        });
    }

    @Override
    public ObjectInfo copy(ObjectKey from, ObjectKey to, RequestContext context) throws StorageException {
        if (from.equals(to)) {
            throw new IllegalArgumentException("an object cannot be copied to where it is: " + from);
        }
        return change("copy", to.value(), -1, context, () -> {
            Stored source = objects.get(from.value());
            if (source == null) {
                throw new ObjectStoreException(Kind.NOT_FOUND, "copy", from.value(), "there is no such object");
            }
            refuseConflict(to.value());
            Optional<ObjectVersion> version = Optional.of(new ObjectVersion("v" + ++versions));
            Stored copy = new Stored(new ObjectInfo(to, source.bytes().length, version), source.bytes());
            objects.put(to.value(), copy);
            changed(to.value());
            return copy.info();
        });
    }

    private void refuseConflict(String key) throws ObjectStoreException {
        String below = objects.ceilingKey(key + "/");
        if (below != null && below.startsWith(key + "/")) {
            throw new ObjectStoreException(Kind.REFUSED, "put", key, below + " is an object");
        }
        for (int slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
            if (objects.containsKey(key.substring(0, slash))) {
                throw new ObjectStoreException(Kind.REFUSED, "put", key, key.substring(0, slash) + " is an object");
            }
        }
    }

    private void check(PutCondition condition, ObjectKey key) throws ObjectStoreException {
        Stored found = objects.get(key.value());
        boolean holds = switch (condition) {
            case PutCondition.Always _ -> true;
            case PutCondition.IfAbsent _ -> found == null;
            case PutCondition.IfMatch match ->
                found != null && found.info().version().equals(Optional.of(match.version()));
        };
        if (!holds) {
            throw new ObjectStoreException(
                    Kind.PRECONDITION_FAILED,
                    "put",
                    key.value(),
                    found == null ? "there is no such object" : "found " + found.info() + ", wanted " + condition);
        }
    }

    @Override
    public ObjectInfo get(ObjectKey key, ByteRange range, ObjectSink sink, RequestContext context)
            throws StorageException {
        Outcome outcome = begin("get", key.value(), context);
        failIf(outcome == Outcome.FAILS_BEFORE, "get", key.value());
        Stored found = objects.get(key.value());
        if (found == null) {
            scheduler.record("get", key.value(), -1, -1, "absent");
            throw new ObjectStoreException(Kind.NOT_FOUND, "get", key.value(), "there is no such object");
        }
        ByteRange part = range.clip(found.bytes().length);
        ByteBuffer bytes = ByteBuffer.wrap(onTheWay(found), (int) part.offset(), (int) part.length())
                .slice()
                .asReadOnlyBuffer();
        sink.begin(found.info(), part.length());
        for (int offset = 0; offset < bytes.limit(); offset += CHUNK) {
            if (offset > 0) {
                scheduler.step("get", key.value());
                context.checkCancelled();
            }
            failIf(outcome == Outcome.FAILS_MIDDLE && offset > bytes.limit() / 2, "get", key.value());
            sink.write(offset, bytes.slice(offset, Math.min(CHUNK, bytes.limit() - offset)));
        }
        failIf(outcome != Outcome.SUCCEEDS, "get", key.value());
        scheduler.record("get", key.value(), part.offset(), part.length(), "");
        return found.info();
    }

    /** What comes of an object. */
    private byte[] onTheWay(Stored object) {
        boolean isDamaged = damaging.next(faults.damagedLayers(), false) != Outcome.SUCCEEDS;
        if (!isDamaged || !object.info().key().value().contains("__")) {
            return object.bytes();
        }
        byte[] bytes = object.bytes().clone();
        int bit = damage.nextInt(8 * bytes.length);
        bytes[bit / 8] ^= (byte) (1 << bit % 8);
        scheduler.record("get", object.info().key().value(), bit / 8, 1, "damaged");
        return bytes;
    }

    @Override
    public Optional<ObjectInfo> head(ObjectKey key, RequestContext context) throws StorageException {
        Outcome outcome = begin("head", key.value(), context);
        failIf(outcome != Outcome.SUCCEEDS, "head", key.value());
        Optional<ObjectInfo> info =
                Optional.ofNullable(objects.get(key.value())).map(Stored::info);
        scheduler.record("head", key.value(), -1, -1, info.isPresent() ? "" : "absent");
        return info;
    }

    @Override
    public void delete(ObjectKey key, RequestContext context) throws StorageException {
        change("delete", key.value(), -1, context, () -> remove(key.value()));
    }

    /** One request: when it fails, any number of the first keys may have been deleted. */
    @Override
    public void deleteAll(Collection<ObjectKey> keys, RequestContext context) throws StorageException {
        String subject = keys.size() + " keys";
        Outcome outcome = begin("delete", subject, context);
        boolean isLost = lost.next(faults.lostAcknowledgements(), false) != Outcome.SUCCEEDS;
        failIf(outcome == Outcome.FAILS_BEFORE, "delete", subject);
        int deleted = outcome == Outcome.FAILS_MIDDLE ? keys.size() / 2 : keys.size();
        keys.stream().limit(deleted).forEach(key -> remove(key.value()));
        scheduler.record("delete", subject, -1, deleted, isLost ? "unacknowledged" : "");
        scheduler.step("answer", subject);
        failIf(isLost || outcome != Outcome.SUCCEEDS, "delete", subject);
    }

    private boolean remove(String key) {
        boolean existed = objects.remove(key) != null;
        changed(key);
        return existed;
    }

    @Override
    public Listing list(ListRequest request, RequestContext context) throws StorageException {
        Outcome outcome = begin("list", request.prefix(), context);
        failIf(outcome != Outcome.SUCCEEDS, "list", request.prefix());
        catchUp();
        List<ObjectInfo> found = new ArrayList<>();
        List<String> folders = new ArrayList<>();
        String after = request.after().orElse("");
        String last = "";
        Optional<String> next = Optional.empty();
        for (Stored stored : listed.tailMap(request.prefix()).values()) {
            String key = stored.info().key().value();
            if (!key.startsWith(request.prefix())) {
                break;
            }
            int slash = request.depth() == ListRequest.Depth.ALL
                    ? -1
                    : key.indexOf('/', request.prefix().length());
            String entry = slash < 0 ? key : key.substring(0, slash + 1);
            if (entry.compareTo(after) <= 0 || entry.equals(last)) {
                continue;
            }
            if (found.size() + folders.size() == request.limit()) {
                next = Optional.of(last);
                break;
            }
            last = entry;
            if (slash < 0) {
                found.add(stored.info());
            } else {
                folders.add(entry);
            }
        }
        scheduler.record("list", request.prefix(), -1, found.size() + folders.size(), "");
        return new Listing(List.copyOf(found), List.copyOf(folders), next);
    }

    private void changed(String key) {
        long lagNanos = stale.pauseNanos(faults.staleEntries(), faults.staleNanos());
        if (lagNanos > 0) {
            lags.add(new Lag(key, scheduler.nanos() + lagNanos));
        } else if (lags.stream().noneMatch(lag -> lag.key().equals(key))) {
            show(key);
        }
    }

    private void catchUp() {
        List<Lag> over = lags.stream()
                .filter(lag -> lag.untilNanos() <= scheduler.nanos())
                .toList();
        lags.removeAll(over);
        over.forEach(lag -> show(lag.key()));
    }

    private void show(String key) {
        @Nullable Stored stored = objects.get(key);
        if (stored == null) {
            listed.remove(key);
        } else {
            listed.put(key, stored);
        }
    }

    /** A call that changes something: when, and whether, it does so and says so. */
    private <T> T change(String operation, String key, long length, RequestContext context, Effect<T> effect)
            throws StorageException {
        Outcome outcome = begin(operation, key, context);
        boolean happensLate = late.next(faults.lateEffects(), false) != Outcome.SUCCEEDS;
        boolean isLost =
                lost.next(faults.lostAcknowledgements(), false) != Outcome.SUCCEEDS || outcome == Outcome.FAILS_AFTER;
        long lateNanos = late.pauseNanos(1, faults.slowNanos());
        failIf(outcome == Outcome.FAILS_BEFORE || outcome == Outcome.FAILS_MIDDLE, operation, key);
        if (happensLate && scheduler.isRunning()) {
            scheduler.start(null, "late " + operation + " " + key, () -> {
                scheduler.pause(lateNanos);
                applyLate(operation, key, effect);
            });
            failIf(true, operation, key);
        }
        T result = effect.apply();
        scheduler.record(operation, key, -1, length, isLost ? "unacknowledged" : "");
        scheduler.step("answer", key);
        failIf(isLost, operation, key);
        return result;
    }

    private <T> void applyLate(String operation, String key, Effect<T> effect) {
        try {
            effect.apply();
            scheduler.record(operation, key, -1, -1, "late");
        } catch (ObjectStoreException e) {
            scheduler.record(operation, key, -1, -1, "late: " + e.kind());
        }
    }

    private Outcome begin(String operation, String subject, RequestContext context) throws CancelledException {
        context.checkCancelled();
        calls++;
        Outcome outcome = failing.next(faults.failing(), calls == failingCall);
        long pauseNanos = slow.pauseNanos(faults.slowCalls(), faults.slowNanos());
        if (pauseNanos > 0) {
            scheduler.pause(pauseNanos);
        } else {
            scheduler.step(operation, subject);
        }
        return outcome;
    }

    private void failIf(boolean fails, String operation, String key) throws ObjectStoreException {
        if (fails) {
            scheduler.record(operation, key, -1, -1, "unavailable");
            throw new ObjectStoreException(Kind.UNAVAILABLE, operation, key, name + " does not answer (simulated)");
        }
    }
}
