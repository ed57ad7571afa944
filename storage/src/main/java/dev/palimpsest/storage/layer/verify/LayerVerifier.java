package dev.palimpsest.storage.layer.verify;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.layer.LayerFileName;
import dev.palimpsest.storage.layer.LayerName;
import dev.palimpsest.storage.layer.delta.DeltaLayerFormat;
import dev.palimpsest.storage.layer.file.LayerFileVerifier;
import dev.palimpsest.storage.layer.file.LayerFormat;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.file.LayerReport;
import dev.palimpsest.storage.layer.image.ImageLayerFormat;
import dev.palimpsest.storage.layer.residency.LayerFormats;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Verifies layer files of both kinds, whatever wrote them. What is looked at and what cannot be found: see
 * {@link LayerFileVerifier}. Stateless but for what it reads with; safe for use by many threads.
 */
public final class LayerVerifier {
    private final LayerIo io;

    /** @param io what to read with; its block cache is not used, so that what is on the disk is seen */
    public LayerVerifier(LayerIo io) {
        this.io = io;
    }

    /**
     * Verifies a file as the layer that its name says it is. A file whose name is not that of a layer, a temporary one for
     * instance, is verified for what it says of itself.
     *
     * @param tenant whose it must be; null if that does not matter
     * @throws StorageException if the file cannot be opened or the request was cancelled; what is wrong with the file's
     *     content is in the report
     */
    public LayerReport verify(Path path, @Nullable TenantId tenant, RequestContext context) throws StorageException {
        LayerName expected = null;
        try {
            expected = LayerFileName.parse(String.valueOf(path.getFileName())).name();
        } catch (IllegalArgumentException e) {
            // What it says of itself is all there is.
        }
        try (ReadableFile file = io.disk().open(path)) {
            LayerFormat format = expected == null ? ofMagic(file) : LayerFormats.of(expected.kind());
            return new LayerFileVerifier(io, format, file, context).verify(expected, tenant);
        }
    }

    private static LayerFormat ofMagic(ReadableFile file) throws StorageException {
        ByteBuffer magic = ByteBuffer.allocate(2);
        if (file.read(0, magic) < 2) {
            throw new CorruptionException(file.path().toString(), 0, "the file is too short for a layer");
        }
        return magic.getChar(0) == ImageLayerFormat.INSTANCE.magic()
                ? ImageLayerFormat.INSTANCE
                : DeltaLayerFormat.INSTANCE;
    }
}
