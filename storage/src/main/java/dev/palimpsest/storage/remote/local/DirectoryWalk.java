package dev.palimpsest.storage.remote.local;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.Disk;
import dev.palimpsest.storage.remote.ListRequest;
import dev.palimpsest.storage.remote.ListRequest.Depth;
import dev.palimpsest.storage.remote.Listing;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectKey;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Makes one page of a listing from directories. Where a page starts is the last key or folder of the page before, and what
 * lies before it is not entered.
 */
final class DirectoryWalk {
    private final Disk disk;
    private final Path root;
    private final ListRequest request;
    private final RequestContext context;
    private final String after;
    private final List<ObjectInfo> objects = new ArrayList<>();
    private final List<String> folders = new ArrayList<>();
    private String last = "";

    DirectoryWalk(Disk disk, Path root, ListRequest request, RequestContext context) {
        this.disk = disk;
        this.root = root;
        this.request = request;
        this.context = context;
        this.after = request.after().orElse("");
    }

    Listing page() throws DiskException, CancelledException {
        String start = request.prefix().substring(0, request.prefix().lastIndexOf('/') + 1);
        boolean complete = visit(start);
        return new Listing(List.copyOf(objects), List.copyOf(folders), complete ? Optional.empty() : Optional.of(last));
    }

    /**
     * @param folder empty or ending in {@code /}
     * @return false if there is more than fits on the page
     */
    private boolean visit(String folder) throws DiskException, CancelledException {
        for (Item item : items(folder)) {
            String name = item.name();
            if (!name.startsWith(request.prefix())) {
                continue;
            }
            boolean passed = name.compareTo(after) <= 0;
            if (item.isFolder() && request.depth() == Depth.ALL) {
                if ((!passed || after.startsWith(name)) && !visit(name)) {
                    return false;
                }
            } else if (!passed && (!item.isFolder() || holdsObjects(name))) {
                if (objects.size() + folders.size() == request.limit()) {
                    return false;
                }
                add(item);
            }
        }
        return true;
    }

    private void add(Item item) {
        last = item.name();
        if (item.isFolder()) {
            folders.add(item.name());
        } else {
            objects.add(new ObjectInfo(new ObjectKey(item.name()), item.size(), Optional.empty()));
        }
    }

    /** Directories stay when their last object has gone, and are no folders then. */
    private boolean holdsObjects(String folder) throws DiskException, CancelledException {
        for (Item item : items(folder)) {
            if (!item.isFolder() || holdsObjects(item.name())) {
                return true;
            }
        }
        return false;
    }

    /** What a directory holds, in the order of the keys: {@code a-b} before what is in {@code a/}. */
    private List<Item> items(String folder) throws DiskException, CancelledException {
        context.checkCancelled();
        List<Item> items = new ArrayList<>();
        for (Disk.Entry entry : entries(root.resolve(folder))) {
            String key = folder + entry.name();
            if (ObjectKey.isKey(key)) {
                boolean isFolder = entry.kind() == Disk.Kind.DIRECTORY;
                items.add(new Item(isFolder ? key + "/" : key, entry.size(), isFolder));
            }
        }
        items.sort(Comparator.comparing(Item::name));
        return items;
    }

    private List<Disk.Entry> entries(Path directory) throws DiskException {
        try {
            return disk.list(directory);
        } catch (DiskException e) {
            if (e.kind() == DiskException.Kind.WRONG_STATE) {
                return List.of();
            }
            throw e;
        }
    }

    private record Item(String name, long size, boolean isFolder) {}
}
