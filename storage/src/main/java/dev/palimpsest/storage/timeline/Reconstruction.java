package dev.palimpsest.storage.timeline;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.MissingKeyException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.WalRedo;
import dev.palimpsest.storage.context.ReadTrace;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.layer.ReconstructState;
import dev.palimpsest.storage.layer.ReconstructState.KeyState;
import dev.palimpsest.storage.layer.ReconstructState.Version;
import dev.palimpsest.storage.value.Value;
import dev.palimpsest.storage.value.WalRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes the value of a key of what a read gathered: the image, or what redo makes of image and records. */
record Reconstruction(
        WalRedo redo,
        int pgVersion,
        Lsn lsn,
        Supplier<String> searched,
        Images images,
        IntFunction<byte[]> arrays,
        @Nullable ReadTrace trace) {
    /** Whose the images are that were gathered. */
    enum Images {
        /** They were read for this alone, and redo may use them up: a key can be asked for once. */
        OWN,
        /** They stay as they are. */
        SHARED
    }

    /** Of what a read has gathered. */
    static Reconstruction of(ReadPath path, WalRedo redo, int pgVersion, Lsn lsn, RequestContext context) {
        return new Reconstruction(redo, pgVersion, lsn, path::searched, Images.OWN, context.arrays(), context.trace());
    }

    /** The values of all keys of which anything was gathered. */
    SortedMap<Key, KeyResult> values(ReconstructState gathered) {
        SortedMap<Key, KeyResult> results = new TreeMap<>();
        gathered.keys().forEach((key, state) -> results.put(key, result(key, state)));
        return results;
    }

    /** The value of one key, or why there is none. */
    KeyResult result(Key key, @Nullable KeyState state) {
        try {
            return new KeyResult.Found(value(key, state));
        } catch (StorageException e) {
            return new KeyResult.Failed(e);
        }
    }

    /** The value of one key. */
    byte[] value(Key key, @Nullable KeyState state) throws StorageException {
        if (state == null) {
            throw new MissingKeyException(
                    "key " + key + " has no value at or below " + lsn + "; searched " + searched.get());
        }
        StorageException failure = state.failure();
        if (failure != null) {
            throw failure;
        }
        WalRedo.BaseImage base = null;
        Version cached = state.cached();
        if (cached != null && cached.value() instanceof Value.Image(byte[] bytes)) {
            base = copy(new WalRedo.BaseImage(cached.lsn(), bytes));
        }
        List<WalRedo.LsnRecord> records = new ArrayList<>(state.versions().size());
        for (Version version : state.versions().reversed()) {
            switch (version.value()) {
                case Value.Image(byte[] bytes) -> base = new WalRedo.BaseImage(version.lsn(), bytes);
                case WalRecord record -> {
                    if (records.isEmpty() && record.willInit()) {
                        base = null;
                    }
                    records.add(new WalRedo.LsnRecord(version.lsn(), record));
                }
            }
        }
        if (!records.isEmpty() && (base != null || records.getFirst().record().willInit())) {
            return redo(key, images == Images.SHARED && base != null ? copy(base) : base, records);
        }
        if (base == null) {
            throw new MissingKeyException("key " + key + " has " + records.size() + " WAL records at or below " + lsn
                    + " but nothing to apply them to; searched " + searched.get());
        }
        return base.bytes();
    }

    private static WalRedo.BaseImage copy(WalRedo.BaseImage image) {
        return new WalRedo.BaseImage(image.lsn(), image.bytes().clone());
    }

    private byte[] redo(Key key, WalRedo.@Nullable BaseImage base, List<WalRedo.LsnRecord> records)
            throws StorageException {
        if (trace == null) {
            return redo.redo(pgVersion, key, lsn, base, records, arrays);
        }
        long begin = trace.begin();
        byte[] page = redo.redo(pgVersion, key, lsn, base, records, arrays);
        trace.ended(ReadTrace.Step.REDO, begin);
        trace.applied(records.size());
        return page;
    }
}
