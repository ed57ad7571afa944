package dev.palimpsest.storage.layer.memory;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Prints what is in an in-memory layer, for people who look for a fault. */
final class MemoryLayerDump {
    private final MemoryIndex index;
    private final EphemeralFile file;
    private final Appendable to;

    MemoryLayerDump(MemoryIndex index, EphemeralFile file, Appendable to) {
        this.index = index;
        this.file = file;
        this.to = to;
    }

    void print(String title, RequestContext context) throws IOException, StorageException {
        SortedKeys keys = index.sort();
        to.append(title).append(": ").append(String.valueOf(keys.count())).append(" keys\n");
        VersionCursor versions = new VersionCursor(index, keys, 0, keys.count());
        while (versions.next()) {
            context.checkCancelled();
            long location = index.location(versions.entry());
            Key key = index.key(versions.key());
            long lsn = index.lsn(versions.entry());
            Value value = read(key, lsn, location, context);
            to.append("  key ").append(key.toString());
            to.append(" at ").append(new Lsn(lsn).toString()).append(": ");
            to.append(kind(value)).append(value.willInit() ? ", will_init, " : ", ");
            to.append(String.valueOf(ValueLocation.encodedLength(location))).append(" bytes at ");
            to.append(String.valueOf(ValueLocation.position(location))).append('\n');
        }
    }

    private Value read(Key key, long lsn, long location, RequestContext context) throws StorageException {
        ByteBuffer stored = ByteBuffer.allocate(ValueLocation.storedLength(location));
        file.read(ValueLocation.position(location), stored, context);
        StoredValue.check(stored, 0, StoredValue.guard(key, lsn, location), location, file.name(), lsn);
        return StoredValue.decode(stored, 0, location, byte[]::new, file.name());
    }

    private static String kind(Value value) {
        return switch (value) {
            case Value.Image _ -> "image";
            case WalRecord record -> "WAL record " + record.getClass().getSimpleName();
        };
    }
}
