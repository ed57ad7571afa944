package dev.palimpsest.pageserver.datadir;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Keeps in memory what it is given, of big files only the size and the first page, and insists on the order. */
final class RecordingSink implements DataDirectorySink {
    private static final int KEPT = 4 << 20;

    final List<String> order = new ArrayList<>();
    final Map<String, byte[]> files = new LinkedHashMap<>();
    final Map<String, Long> sizes = new LinkedHashMap<>();
    boolean complete;
    private @Nullable String current;
    private long left;

    @Override
    public void tablespace(int oid, String location) {
        order.add("tablespace " + oid + " " + location);
    }

    @Override
    public void directory(String path) {
        parentIsKnown(path);
        if (order.contains(path + "/")) {
            throw new IllegalStateException(path + " comes twice");
        }
        order.add(path + "/");
    }

    private void parentIsKnown(String path) {
        int slash = path.lastIndexOf('/');
        boolean elsewhere = path.startsWith("pg_tblspc/") && order.getFirst().startsWith("tablespace");
        if (slash >= 0 && !elsewhere && !order.contains(path.substring(0, slash + 1))) {
            throw new IllegalStateException(path + " comes before its directory");
        }
    }

    @Override
    public void startFile(String path, long size) {
        parentIsKnown(path);
        if (current != null || sizes.containsKey(path)) {
            throw new IllegalStateException(path + " comes twice, or within " + current);
        }
        order.add(path);
        sizes.put(path, size);
        files.put(path, new byte[(int) Math.min(size, KEPT)]);
        current = path;
        left = size;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        if (length > left) {
            throw new IllegalStateException("too many bytes for " + current);
        }
        byte[] kept = Objects.requireNonNull(files.get(current));
        long at = Objects.requireNonNull(sizes.get(current)) - left;
        if (at < KEPT) {
            System.arraycopy(bytes, offset, kept, (int) at, (int) Math.min(length, KEPT - at));
        }
        left -= length;
    }

    @Override
    public void zeros(long count) {
        left -= count;
    }

    @Override
    public void endFile() {
        if (current == null || left != 0) {
            throw new IllegalStateException(left + " bytes are missing in " + current);
        }
        current = null;
    }

    @Override
    public void complete() {
        complete = true;
    }

    @Override
    public void close() {}
}
