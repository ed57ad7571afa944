package dev.palimpsest.storage.check;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.check.Finding.Severity;
import dev.palimpsest.storage.index.IndexPart;
import dev.palimpsest.storage.index.IndexPartCodec;
import dev.palimpsest.storage.index.LayerMetadata;
import dev.palimpsest.storage.index.TimelineMetadata;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Checks one timeline. The index part is read before the objects are listed, and again after that if something is missing or
 * seems to be needed by nobody: layers are there before they are named, and are deleted only when they are not named any more.
 * Used once, by one thread.
 */
final class TimelineCheck {
    /** How often the index part in force may change under our eyes, before it is taken as it is. */
    private static final int LOOKS = 5;

    private static final Set<String> NEONS = Set.of("initdb.tar.zst", "initdb-preserved.tar.zst");

    private final StoreReads reads;
    private final TenantId tenant;
    private final TimelineId timeline;
    private final @Nullable DeepCheck deep;
    private final Findings findings;
    private final List<LayerFinding> layerFindings = new ArrayList<>();
    private final Map<Orphans.Reason, Orphans> orphans = new EnumMap<>(Orphans.Reason.class);

    private Claims claims = new Claims(Generation.NONE, Generation.NONE, Generation.NONE, 0, null);
    private @Nullable Generation generation;
    private @Nullable IndexPart index;
    /** What is listed, by key. */
    private final Map<String, ObjectInfo> listed = new LinkedHashMap<>();

    private long superseded;
    private long verified;
    private long withoutChecksums;

    TimelineCheck(StoreReads reads, TenantId tenant, TimelineId timeline, @Nullable DeepCheck deep, Findings findings) {
        this.reads = reads;
        this.tenant = tenant;
        this.timeline = timeline;
        this.deep = deep;
        this.findings = findings;
    }

    TimelineId timeline() {
        return timeline;
    }

    List<LayerFinding> layerFindings() {
        return layerFindings;
    }

    /** What the index part in force says; null if there is none that can be read. */
    @Nullable
    TimelineMetadata metadata() {
        IndexPart found = index;
        return found == null || generation == null ? null : found.metadata();
    }

    /** Whether nothing of it is left. */
    boolean isGone() {
        return generation == null && listed.isEmpty();
    }

    /** @param known what was in force a moment ago */
    void run(Claims known) throws StorageException {
        claims = known;
        findIndexPart();
        list();
        IndexPart found = index;
        if (generation == null || found == null) {
            noteOrphansOfNobody();
            return;
        }
        if (found.state().deletedAt() != null) {
            noteOthers(Map.of(), Orphans.Reason.DELETION_UNFINISHED);
            return;
        }
        List<LayerRef> suspects = new ArrayList<>();
        List<LayerRef> present = new ArrayList<>();
        for (LayerRef layer : layers(found)) {
            (isThere(layer) ? present : suspects).add(layer);
        }
        if (deep != null) {
            DeepCheck.Outcome outcome = deep.verify(present);
            verified = outcome.verified();
            withoutChecksums = outcome.withoutChecksums();
            layerFindings.addAll(outcome.damage());
            suspects.addAll(outcome.gone());
        }
        Map<String, LayerRef> named = byKey(found);
        if (!suspects.isEmpty() || listed.keySet().stream().anyMatch(key -> mayBeNew(key, named))) {
            Map<String, LayerRef> namedNow = namedNow();
            for (LayerRef suspect : suspects) {
                LayerRef still = namedNow.get(suspect.key().value());
                if (still != null && still.metadata().equals(suspect.metadata())) {
                    reportIfMissing(suspect);
                }
            }
            named.putAll(namedNow);
        }
        noteOthers(named, null);
    }

    private ObjectKey indexKey(Generation of) {
        return new ObjectKey(RemotePaths.indexPart(tenant, ShardIndex.UNSHARDED, timeline, of));
    }

    /** Finds the index part in force, which may be another one, or none any more, if a server goes on meanwhile. */
    private void findIndexPart() throws StorageException {
        for (int look = 1; ; look++) {
            generation = inForce();
            Generation wanted = generation;
            if (wanted == null) {
                return;
            }
            ObjectKey key = indexKey(wanted);
            Optional<byte[]> bytes = reads.read(key, IndexPartCodec.MAX_BYTES);
            if (bytes.isPresent()) {
                decode(key, bytes.get());
                return;
            }
            Claims now = new ClaimsReader(reads, tenant, new Findings()).read(false);
            boolean same = now.inForce() != null && wanted.equals(now.inForce().get(timeline));
            claims = now;
            if (same || look == LOOKS) {
                findings.problem(
                        key.value(),
                        "there is no such index part, though the manifest of generation " + now.published()
                                + " says that it is in force",
                        noLoad(),
                        tenant,
                        timeline);
                return;
            }
        }
    }

    private String noLoad() {
        return "no server can load tenant " + tenant + "; everything of timeline " + timeline
                + " cannot be read, nor what its branches share with it";
    }

    private void decode(ObjectKey key, byte[] bytes) {
        try {
            index = IndexPartCodec.decode(bytes, key.value());
        } catch (CorruptionException e) {
            findings.damage(Severity.PROBLEM, key.value(), e, noLoad(), tenant, timeline);
        }
    }

    private @Nullable Generation inForce() throws StorageException {
        SortedMap<TimelineId, Generation> inForce = claims.inForce();
        if (inForce != null) {
            return inForce.get(timeline);
        }
        List<Generation> found = new ArrayList<>();
        String prefix = RemotePaths.indexParts(tenant, ShardIndex.UNSHARDED, timeline);
        for (ObjectInfo object : reads.list(ListRequest.one(prefix)).objects()) {
            RemotePaths.indexPartGeneration(object.key().value()).ifPresent(found::add);
        }
        return found.isEmpty() ? null : TenantCheck.newest(found);
    }

    private void list() throws StorageException {
        String prefix = RemotePaths.timeline(tenant, ShardIndex.UNSHARDED, timeline);
        for (ObjectInfo object : reads.list(ListRequest.all(prefix)).objects()) {
            listed.put(object.key().value(), object);
        }
    }

    private List<LayerRef> layers(IndexPart part) {
        List<LayerRef> layers = new ArrayList<>();
        for (Map.Entry<String, LayerMetadata> entry : part.layers().entrySet()) {
            layers.add(new LayerRef(tenant, timeline, LayerName.parse(entry.getKey()), entry.getValue()));
        }
        return layers;
    }

    private Map<String, LayerRef> byKey(IndexPart part) {
        return layers(part).stream()
                .collect(Collectors.toMap(layer -> layer.key().value(), layer -> layer, (a, _) -> a, TreeMap::new));
    }

    private boolean isThere(LayerRef layer) throws StorageException {
        Generation of = layer.metadata().generation();
        if (generation != null && of.compareTo(generation) > 0) {
            layerFindings.add(new LayerFinding(
                    layer,
                    Finding.NO_OFFSET,
                    "the index part of generation " + generation + " names a layer of the later generation " + of));
        }
        long size = layer.metadata().fileSize();
        ObjectInfo found = listed.get(layer.key().value());
        return (found != null && found.size() == size)
                || reads.head(layer.key()).filter(now -> now.size() == size).isPresent();
    }

    /** Whether nobody names an object that a life has written which may still be writing. */
    private boolean mayBeNew(String key, Map<String, LayerRef> named) {
        return !named.containsKey(key)
                && layerName(key)
                        .filter(name -> claims.reason(name.generation()) != Orphans.Reason.OLDER_LIFE)
                        .isPresent();
    }

    private static String lastPart(String key) {
        return key.substring(key.lastIndexOf('/') + 1);
    }

    private static Optional<LayerFileName> layerName(String key) {
        try {
            LayerFileName name = LayerFileName.parse(lastPart(key));
            return name.remote().equals(lastPart(key)) ? Optional.of(name) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** What the index part that is in force by now names; empty if there is none any more. */
    private Map<String, LayerRef> namedNow() throws StorageException {
        for (int look = 1; ; look++) {
            claims = new ClaimsReader(reads, tenant, new Findings()).read(false);
            Generation now = inForce();
            if (now == null) {
                return Map.of();
            }
            Optional<byte[]> bytes = reads.read(indexKey(now), IndexPartCodec.MAX_BYTES);
            if (bytes.isPresent()) {
                return byKey(IndexPartCodec.decode(bytes.get(), indexKey(now).value()));
            }
            if (look == LOOKS) {
                return Map.of();
            }
        }
    }

    private void reportIfMissing(LayerRef layer) throws StorageException {
        Optional<ObjectInfo> found = reads.head(layer.key());
        long size = layer.metadata().fileSize();
        if (found.isPresent() && found.get().size() == size) {
            return;
        }
        String others = listed.keySet().stream()
                .filter(key -> layerName(key)
                        .filter(name -> name.name().equals(layer.name()))
                        .isPresent())
                .filter(key -> !key.equals(layer.key().value()))
                .map(TimelineCheck::lastPart)
                .collect(Collectors.joining(", "));
        layerFindings.add(new LayerFinding(
                layer,
                found.map(object -> Math.min(object.size(), size)).orElse(Finding.NO_OFFSET),
                found.map(object -> "the object has " + object.size() + " bytes, the index part says " + size)
                                .orElse("there is no such object, though the index part in force names it with " + size
                                        + " bytes")
                        + (others.isEmpty() ? "" : "; under another generation there is " + others)));
    }

    private void noteOrphansOfNobody() throws StorageException {
        if (generation != null) {
            return; // the index part cannot be read, so nothing is known of what it names
        }
        noteOthers(Map.of(), deletedIndexPart() ? Orphans.Reason.DELETION_UNFINISHED : Orphans.Reason.UNKNOWN_TIMELINE);
    }

    /** Whether the newest index part that is left says that the timeline is deleted. */
    private boolean deletedIndexPart() throws StorageException {
        List<Generation> left = listed.keySet().stream()
                .map(RemotePaths::indexPartGeneration)
                .flatMap(Optional::stream)
                .toList();
        if (left.isEmpty()) {
            return true; // it goes first, or together with the layers
        }
        ObjectKey key = indexKey(TenantCheck.newest(left));
        Optional<byte[]> bytes = reads.read(key, IndexPartCodec.MAX_BYTES);
        try {
            return bytes.isEmpty()
                    || IndexPartCodec.decode(bytes.get(), key.value()).state().deletedAt() != null;
        } catch (CorruptionException e) {
            return false;
        }
    }

    /** @param common why nobody names what is here; null if each object has its own reason */
    private void noteOthers(Map<String, LayerRef> named, Orphans.@Nullable Reason common) {
        for (ObjectInfo object : listed.values()) {
            String key = object.key().value();
            Optional<Generation> indexPart = RemotePaths.indexPartGeneration(key);
            Optional<LayerFileName> layer = layerName(key);
            if (indexPart.isPresent()) {
                note(object, indexPart.get(), common, true);
            } else if (layer.isPresent()) {
                if (!named.containsKey(key)) {
                    note(object, layer.get().generation(), common, false);
                }
            } else if (!NEONS.contains(lastPart(key))) {
                findings.foreign(key);
            }
        }
    }

    private void note(ObjectInfo object, Generation of, Orphans.@Nullable Reason common, boolean isIndexPart) {
        if (isIndexPart && generation != null) {
            if (of.equals(generation)) {
                return;
            }
            if (of.compareTo(generation) < 0) {
                superseded++;
                return;
            }
        }
        Orphans.Reason reason = common != null ? common : claims.reason(of);
        Orphans before = orphans.get(reason);
        orphans.put(
                reason,
                before == null
                        ? new Orphans(reason, 1, object.size(), object.key().value())
                        : before.plus(object.size()));
    }

    TimelineReport report() {
        IndexPart found = index;
        return new TimelineReport(
                timeline,
                generation,
                found == null ? null : found.metadata(),
                found == null ? null : found.state().extension(),
                found != null && found.state().deletedAt() != null,
                found == null ? 0 : found.layers().size(),
                found == null
                        ? 0
                        : found.layers().values().stream()
                                .mapToLong(LayerMetadata::fileSize)
                                .sum(),
                verified,
                withoutChecksums,
                superseded,
                List.copyOf(orphans.values()));
    }
}
