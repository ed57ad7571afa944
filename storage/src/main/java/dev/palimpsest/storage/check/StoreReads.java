package dev.palimpsest.storage.check;

import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import dev.palimpsest.storage.remote.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The ways in which a check reads the store. */
record StoreReads(ObjectStore objects, RequestContext context) {
    /** What is in a folder. */
    record Folder(List<ObjectInfo> objects, List<String> folders) {}

    Folder list(ListRequest first) throws StorageException {
        List<ObjectInfo> found = new ArrayList<>();
        List<String> folders = new ArrayList<>();
        ListRequest request = first;
        while (true) {
            Listing page = objects.list(request, context);
            found.addAll(page.objects());
            folders.addAll(page.folders());
            if (page.next().isEmpty()) {
                return new Folder(found, folders);
            }
            request = request.withAfter(page.next().get());
        }
    }

    Optional<byte[]> read(ObjectKey key, int maxBytes) throws StorageException {
        try {
            return Optional.of(objects.read(key, maxBytes, context).bytes());
        } catch (ObjectStoreException e) {
            if (e.kind() == ObjectStoreException.Kind.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    Optional<ObjectInfo> head(ObjectKey key) throws StorageException {
        return objects.head(key, context);
    }
}
