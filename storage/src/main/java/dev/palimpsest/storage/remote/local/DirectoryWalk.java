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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes one page of a listing from directories. Where a page starts is the last key or folder of the page before, and what
 * lies before it is not entered. A directory that does not fit on the page is remembered for the next one, so a listing has it
 * as it was when the listing came to it.
 */
final class DirectoryWalk {
    private final Disk disk;
    private final Path root;
    private final ListRequest request;
    private final RequestContext context;
    private final String after;
    private final Map<String, List<Item>> known;
    private final Map<String, List<Item>> rest = new HashMap<>();
    private final List<ObjectInfo> objects = new ArrayList<>();
    private final List<String> folders = new ArrayList<>();
    private String last = "";

    /** @param known what the page before has left of directories, by the names of their folders */
    DirectoryWalk(Disk disk, Path root, ListRequest request, Map<String, List<Item>> known, RequestContext context) {
        this.disk = disk;
        this.root = root;
        this.request = request;
        this.known = known;
        this.context = context;
        this.after = request.after().orElse("");
    }

    Listing page() throws DiskException, CancelledException {
        context.checkCancelled();
        String start = request.prefix().substring(0, request.prefix().lastIndexOf('/') + 1);
        boolean complete = visit(start);
        return new Listing(List.copyOf(objects), List.copyOf(folders), complete ? Optional.empty() : Optional.of(last));
    }

    /** What this page leaves of directories, for the next one; empty if it is the last. */
    Map<String, List<Item>> rest() {
        return rest;
    }

    /**
     * @param folder empty or ending in {@code /}
     * @return false if there is more than fits on the page
     */
    private boolean visit(String folder) throws DiskException, CancelledException {
        List<Item> remembered = known.get(folder);
        List<Item> items = remembered == null ? items(folder) : remembered;
        for (int i = 0; i < items.size(); i++) {
            if (!show(items.get(i))) {
                rest.put(folder, items.subList(i, items.size()));
                return false;
            }
        }
        return true;
    }

    /** Adds an item, or what is in it, if it is asked for; says whether there was room. */
    private boolean show(Item item) throws DiskException, CancelledException {
        String name = item.name();
        if (!name.startsWith(request.prefix())) {
            return true;
        }
        boolean passed = name.compareTo(after) <= 0;
        if (item.isFolder() && request.depth() == Depth.ALL) {
            return (passed && !after.startsWith(name)) || visit(name);
        }
        if (passed || (item.isFolder() && !holdsObjects(name))) {
            return true;
        }
        if (objects.size() + folders.size() == request.limit()) {
            return false;
        }
        add(item);
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
        context.checkCancelled();
        List<String> folders = new ArrayList<>();
        if (anyObject(folder, folders)) {
            return true;
        }
        for (String inside : folders) {
            if (holdsObjects(inside)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a directory itself holds an object; if not, {@code folders} has all of its folders then. */
    private boolean anyObject(String folder, List<String> folders) throws DiskException {
        try {
            return disk.hasAny(root.resolve(folder), entry -> {
                String key = folder + entry.name();
                if (!ObjectKey.isKey(key)) {
                    return false;
                }
                if (entry.kind() == Disk.Kind.DIRECTORY) {
                    folders.add(key + "/");
                    return false;
                }
                return true;
            });
        } catch (DiskException e) {
            if (e.kind() == DiskException.Kind.WRONG_STATE) {
                return false;
            }
            throw e;
        }
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

    /** Its name is the whole key; that of a folder ends in {@code /}. */
    record Item(String name, long size, boolean isFolder) {}
}
