package dev.palimpsest.storage.check;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.check.Finding.Severity;
import dev.palimpsest.storage.index.GenerationsCodec;
import dev.palimpsest.storage.index.TenantManifest;
import dev.palimpsest.storage.index.TenantManifestCodec;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which manifest of a tenant is in force, as a server does that is about to claim the next generation: the row of
 * claimed generations is looked at object by object, since a listing may lag. Used once, by one thread.
 */
final class ClaimsReader {
    private static final String NO_LOAD =
            "no server can load this tenant, so none of its branches can be read or written";

    private final StoreReads reads;
    private final TenantId tenant;
    private final Findings findings;
    /** The generations of the manifests that are listed. */
    private final NavigableSet<Generation> listed = new TreeSet<>();

    ClaimsReader(StoreReads reads, TenantId tenant, Findings findings) {
        this.reads = reads;
        this.tenant = tenant;
        this.findings = findings;
    }

    private ObjectKey manifestKey(Generation generation) {
        return new ObjectKey(RemotePaths.tenantManifest(tenant, ShardIndex.UNSHARDED, generation));
    }

    /**
     * Reads them.
     *
     * @param all whether superseded manifests are read too
     */
    Claims read(boolean all) throws StorageException {
        ObjectKey generations = new ObjectKey(RemotePaths.generations(tenant, ShardIndex.UNSHARDED));
        for (ObjectInfo object : reads.list(ListRequest.one(RemotePaths.tenant(tenant, ShardIndex.UNSHARDED)))
                .objects()) {
            Optional<Generation> manifest =
                    RemotePaths.manifestGeneration(object.key().value());
            if (manifest.isPresent()) {
                listed.add(manifest.get());
            } else if (!object.key().equals(generations)
                    && !object.key().value().equals(RemotePaths.heatmap(tenant, ShardIndex.UNSHARDED))) {
                findings.foreign(object.key().value());
            }
        }
        Generation first = first(generations);
        if (first.isNone()) {
            return unclaimed();
        }
        Generation last = last(first);
        return new Walk(first, last).claims(all);
    }

    /** Where the row begins; {@link Generation#NONE} if that is not known. */
    private Generation first(ObjectKey key) throws StorageException {
        Optional<byte[]> found = reads.read(key, GenerationsCodec.MAX_BYTES);
        if (found.isPresent()) {
            try {
                return GenerationsCodec.decode(found.get(), key.value());
            } catch (CorruptionException e) {
                findings.damage(Severity.PROBLEM, key.value(), e, NO_LOAD, tenant, null);
            }
        } else if (!listed.isEmpty() && isOurs(listed.last())) {
            findings.problem(
                    key.value(),
                    "there is no such object, though there are manifests of claimed generations",
                    "the next server begins a new row of generations after those that are listed; if the listing lags,"
                            + " it reads an older state",
                    tenant,
                    null);
        }
        return Generation.NONE;
    }

    private boolean isOurs(Generation generation) throws StorageException {
        TenantManifest manifest = manifest(generation, Severity.WARNING, "it is not known who wrote it");
        return manifest != null && manifest.life() != null;
    }

    /** Where the row is not known: what the newest manifest says that is listed, as the next server would take it. */
    private Claims unclaimed() throws StorageException {
        SortedMap<TimelineId, Generation> inForce = null;
        Generation published = Generation.NONE;
        for (Generation generation : listed.descendingSet()) {
            TenantManifest manifest = manifest(generation, Severity.WARNING, "another manifest is looked at instead");
            TenantManifest.Life life = manifest == null ? null : manifest.life();
            if (life != null && life.indexParts() != null) {
                inForce = life.indexParts();
                published = generation;
                break;
            }
        }
        Generation last = listed.isEmpty() ? Generation.NONE : listed.last();
        return new Claims(last.hasNext() ? last.next() : last, last, published, listed.size(), inForce);
    }

    /** The newest claimed one; the one before the first if there is none. */
    private Generation last(Generation first) throws StorageException {
        Generation last = listed.isEmpty() || listed.last().compareTo(first) < 0
                ? new Generation(first.number() - 1)
                : listed.last();
        while (last.hasNext() && reads.head(manifestKey(last.next())).isPresent()) {
            last = last.next();
            listed.add(last);
        }
        return last;
    }

    /** A manifest; null if it is not there or damaged, which then is a finding. */
    private @Nullable TenantManifest manifest(Generation generation, Severity severity, String consequence)
            throws StorageException {
        ObjectKey key = manifestKey(generation);
        Optional<byte[]> bytes = reads.read(key, TenantManifestCodec.MAX_BYTES);
        if (bytes.isEmpty()) {
            findings.add(new Finding(
                    severity,
                    key.value(),
                    Finding.NO_OFFSET,
                    "this manifest is missing in the row of claimed generations",
                    consequence,
                    tenant,
                    null));
            return null;
        }
        try {
            return TenantManifestCodec.decode(bytes.get(), key.value());
        } catch (CorruptionException e) {
            findings.damage(severity, key.value(), e, consequence, tenant, null);
            return null;
        }
    }

    /** The walk from the newest claim down to what is in force, and on to the first if all are to be read. */
    private final class Walk {
        private final Generation first;
        private final Generation last;
        private @Nullable SortedMap<TimelineId, Generation> inForce;
        private Generation published = Generation.NONE;
        private boolean found;
        private boolean unsure;

        Walk(Generation first, Generation last) {
            this.first = first;
            this.last = last;
        }

        Claims claims(boolean all) throws StorageException {
            for (long number = last.number(); number >= first.number(); number--) {
                Generation generation = new Generation(number);
                if (found && !listed.contains(generation)) {
                    reportIfMissing(generation);
                } else if (!found || all) {
                    look(generation);
                }
            }
            if (unsure) {
                // What an older manifest names may have been deleted since: rather what is listed.
                inForce = null;
                published = Generation.NONE;
            }
            return new Claims(first, last, published, listed.size(), inForce);
        }

        private void look(Generation generation) throws StorageException {
            if (found) {
                manifest(
                        generation,
                        Severity.WARNING,
                        "none: a newer manifest is in force, and nothing reads this one any more");
                return;
            }
            TenantManifest manifest = manifest(generation, Severity.PROBLEM, NO_LOAD);
            TenantManifest.Life life = manifest == null ? null : manifest.life();
            if (manifest == null) {
                unsure = true;
                found = true;
            } else if (life != null && life.indexParts() != null) {
                inForce = life.indexParts();
                published = generation;
                found = true;
            }
        }

        private void reportIfMissing(Generation generation) throws StorageException {
            if (reads.head(manifestKey(generation)).isEmpty()) {
                findings.problem(
                        manifestKey(generation).value(),
                        "this manifest is missing in the row of claimed generations " + first + " to " + last,
                        "a server may claim this generation again, and then reads what the life before it had: what was"
                                + " written since would be lost to it",
                        tenant,
                        null);
            }
        }
    }
}
