package dev.palimpsest.storage.check;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.ObjectStoreException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import dev.palimpsest.storage.layer.file.LayerFileVerifier;
import dev.palimpsest.storage.layer.file.LayerReport;
import dev.palimpsest.storage.layer.residency.LayerFormats;
import dev.palimpsest.storage.remote.ByteRange;
import dev.palimpsest.storage.remote.ObjectInfo;
import dev.palimpsest.storage.remote.ObjectSink;
import dev.palimpsest.storage.remote.ObjectStore;
import dev.palimpsest.storage.runtime.Task;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Reads layers whole: downloads each into a temporary file, of which {@link LayerFileVerifier} looks at every byte, and deletes
 * it. Memory is bounded by what the verifier takes for each layer at once, the disk by the sizes of those layers.
 */
final class DeepCheck {
    private final ObjectStore objects;
    private final DeepSettings settings;
    private final CheckProgress progress;
    private final RequestContext context;
    private final AtomicLong numbers = new AtomicLong();
    private final AtomicLong layers = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    DeepCheck(ObjectStore objects, DeepSettings settings, CheckProgress progress, RequestContext context) {
        this.objects = objects;
        this.settings = settings;
        this.progress = progress;
        this.context = context;
    }

    /**
     * What became of some layers.
     *
     * @param verified how many were read
     * @param withoutChecksums how many of those have none
     * @param damage what was found
     * @param gone layers that are not there any more
     */
    record Outcome(long verified, long withoutChecksums, List<LayerFinding> damage, List<LayerRef> gone) {}

    /**
     * Reads layers, some at once.
     *
     * @throws StorageException if a layer could not be read for a reason that is not its own
     */
    Outcome verify(List<LayerRef> all) throws StorageException {
        Work work = new Work(all);
        int workers = Math.min(all.size(), settings.concurrency());
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            tasks.add(settings.tasks().startOnOwnThread("check layers", work::run));
        }
        tasks.forEach(Task::join);
        for (Task task : tasks) {
            switch (task.failure().orElse(null)) {
                case null -> {}
                case StorageException e -> throw e;
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
        return work.outcome();
    }

    /** The layers of one call, taken by several tasks. */
    private final class Work {
        private final Queue<LayerRef> left;
        private final Queue<LayerFinding> damage = new ConcurrentLinkedQueue<>();
        private final Queue<LayerRef> gone = new ConcurrentLinkedQueue<>();
        private final AtomicLong verified = new AtomicLong();
        private final AtomicLong withoutChecksums = new AtomicLong();

        Work(List<LayerRef> all) {
            this.left = new ConcurrentLinkedQueue<>(all);
        }

        void run() throws StorageException {
            try {
                for (LayerRef layer = left.poll(); layer != null; layer = left.poll()) {
                    context.checkCancelled();
                    read(layer);
                }
            } catch (StorageException | RuntimeException e) {
                left.clear();
                throw e;
            }
        }

        private void read(LayerRef layer) throws StorageException {
            Path file = settings.temporary().resolve("layer-" + numbers.incrementAndGet());
            try {
                if (download(layer, file)) {
                    verify(layer, file);
                    progress.layers(
                            layers.incrementAndGet(),
                            bytes.addAndGet(layer.metadata().fileSize()));
                }
            } finally {
                settings.io().disk().delete(file);
            }
        }

        private boolean download(LayerRef layer, Path file) throws StorageException {
            try (WritableFile target = settings.io().disk().create(file)) {
                objects.get(layer.key(), ByteRange.WHOLE, new Receiver(layer, target), context);
                return true;
            } catch (CorruptionException e) {
                damage.add(new LayerFinding(layer, e.offset(), Findings.problemOf(e)));
                return false;
            } catch (ObjectStoreException e) {
                if (e.kind() != ObjectStoreException.Kind.NOT_FOUND) {
                    throw e;
                }
                gone.add(layer);
                return false;
            }
        }

        private void verify(LayerRef layer, Path path) throws StorageException {
            try (ReadableFile file = settings.io().disk().open(path)) {
                LayerFileVerifier verifier = new LayerFileVerifier(
                        settings.io(), LayerFormats.of(layer.name().kind()), file, context);
                LayerReport report = verifier.verify(layer.name(), layer.tenant());
                for (CorruptionException found : report.damage()) {
                    damage.add(new LayerFinding(layer, found.offset(), Findings.problemOf(found)));
                }
                verified.incrementAndGet();
                if (report.protection() == LayerReport.Protection.NONE) {
                    withoutChecksums.incrementAndGet();
                }
            }
        }

        Outcome outcome() {
            return new Outcome(verified.get(), withoutChecksums.get(), List.copyOf(damage), List.copyOf(gone));
        }
    }

    /** Writes what comes into a file. */
    private record Receiver(LayerRef layer, WritableFile file) implements ObjectSink {
        @Override
        public void begin(ObjectInfo info, long length) throws StorageException {
            long size = layer.metadata().fileSize();
            if (length != size) {
                throw new CorruptionException(
                        layer.key().value(),
                        Math.min(length, size),
                        "the object has " + length + " bytes, the index part says " + size);
            }
        }

        @Override
        public void write(long offset, ByteBuffer bytes) throws StorageException {
            file.write(offset, bytes);
        }
    }
}
