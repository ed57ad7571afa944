package dev.palimpsest.storage.check;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.remote.ReadOnlyObjectStore;
import dev.palimpsest.storage.remote.RemotePaths;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Checks an object store: of every tenant the row of claims and the manifest in force, of every timeline the index part in
 * force, that every layer it names is there with the size it says, that its ancestor is there and reaches as far as the branch
 * point; and finds what nobody names. With {@link DeepSettings} also every byte of every layer, and every superseded manifest.
 *
 * <p>Only reads. May run beside a server that writes: layers are looked at after the index part that names them was read, and
 * what is not as it should be is looked at again after that index part was read again, for a layer that is named by both must
 * have been there in between. Memory: what is known of the layers of one timeline, and 4 bytes for each block of a layer that is read.
 */
public final class StorageCheck {
    private final StoreReads reads;
    private final Optional<DeepSettings> deep;
    private final CheckProgress progress;

    /**
     * @param objects what is checked; nothing is changed in it
     * @param deep how layers are read; empty if they are not
     * @param progress is told of layers that were read
     */
    public StorageCheck(
            ObjectStore objects, Optional<DeepSettings> deep, CheckProgress progress, RequestContext context) {
        this.reads = new StoreReads(new ReadOnlyObjectStore(objects), context);
        this.deep = deep;
        this.progress = progress;
    }

    /**
     * Checks everything.
     *
     * @throws StorageException if that could not be done; what was found is in the report
     */
    public StorageReport run() throws StorageException {
        Findings findings = new Findings();
        DeepCheck layers = deep.map(settings -> new DeepCheck(reads.objects(), settings, progress, reads.context()))
                .orElse(null);
        StoreReads.Folder top = reads.list(ListRequest.one(""));
        for (ObjectInfo object : top.objects()) {
            if (!RemotePaths.isOfStore(object.key().value())) {
                findings.foreign(object.key().value());
            }
        }
        for (String folder : top.folders()) {
            if (!folder.equals(RemotePaths.TENANTS)) {
                findings.foreign(folder);
            }
        }
        List<TenantReport> tenants = new ArrayList<>();
        StoreReads.Folder all = reads.list(ListRequest.one(RemotePaths.TENANTS));
        all.objects().forEach(object -> findings.foreign(object.key().value()));
        for (String folder : all.folders()) {
            String name = folder.substring(RemotePaths.TENANTS.length(), folder.length() - 1);
            TenantId tenant;
            try {
                tenant = TenantId.parse(name);
            } catch (IllegalArgumentException e) {
                findings.add(new Finding(
                        Finding.Severity.PROBLEM,
                        folder,
                        Finding.NO_OFFSET,
                        "not the folder of a tenant that is not sharded",
                        "no server takes it for one",
                        null,
                        null));
                continue;
            }
            tenants.add(new TenantCheck(reads, tenant, layers, findings).run());
        }
        return findings.report(tenants);
    }
}
