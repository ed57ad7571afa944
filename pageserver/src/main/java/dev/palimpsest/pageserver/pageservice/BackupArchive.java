package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.Deflater;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;
import org.jspecify.annotations.Nullable;

/** A backup of which is known as of when it is, and nothing written yet. Used by one thread. */
public final class BackupArchive {
    private static final int GZIP_BUFFER = 32 << 10;

    private final ServedTimelines timelines;
    private final ServedTimeline served;
    private final BackupPoint point;
    private final boolean full;

    private BackupArchive(ServedTimelines timelines, ServedTimeline served, BackupPoint point, boolean full) {
        this.timelines = timelines;
        this.served = served;
        this.point = point;
        this.full = full;
    }

    /**
     * What a compute starts from: no pages of relations. Waits until the timeline has reached the LSN.
     *
     * @param lsn null for the newest
     * @throws InvalidRequestException if there is no backup as of then
     */
    public static BackupArchive base(
            ServedTimelines timelines, ServedTimeline served, @Nullable Lsn lsn, RequestContext context)
            throws StorageException {
        return new BackupArchive(timelines, served, point(served, lsn, context), false);
    }

    /**
     * A whole data directory. Waits until the timeline has reached the LSN.
     *
     * @param lsn null for the newest
     * @param previous where the record before ended, if the caller knows; null if not
     * @throws InvalidRequestException if there is no backup as of then, or the record before ended somewhere else
     */
    public static BackupArchive full(
            ServedTimelines timelines,
            ServedTimeline served,
            @Nullable Lsn lsn,
            @Nullable Lsn previous,
            RequestContext context)
            throws StorageException {
        BackupPoint point = point(served, lsn, context);
        if (previous != null && point.previous() instanceof PreviousRecord.At(Lsn known) && !known.equals(previous)) {
            throw new InvalidRequestException("no backup as of " + point.lsn() + ": the record before ended at " + known
                    + ", not at " + previous);
        }
        return new BackupArchive(timelines, served, point, true);
    }

    private static BackupPoint point(ServedTimeline served, @Nullable Lsn wanted, RequestContext context)
            throws StorageException {
        if (wanted != null) {
            served.timeline().awaitLsn(wanted, context);
            if (served.isCutOff(wanted)) {
                throw new InvalidRequestException(served.whyCutOff(wanted));
            }
        }
        BackupPoint point = BackupPoint.of(served.timeline(), wanted);
        if (point.lsn().isBefore(served.readableFrom())) {
            throw new InvalidRequestException(
                    "no backup as of " + point.lsn() + ": consistent from " + served.readableFrom() + " on");
        }
        return point;
    }

    /**
     * Writes it, as a tar archive.
     *
     * @param gzip whether it is compressed
     * @param target neither flushed nor closed
     */
    public void writeTo(OutputStream target, boolean gzip, RequestContext context)
            throws StorageException, IOException {
        if (!gzip) {
            write(target, context);
            return;
        }
        GzipParameters fastest = new GzipParameters();
        fastest.setCompressionLevel(Deflater.BEST_SPEED);
        fastest.setBufferSize(GZIP_BUFFER);
        // Finished only if all went well: an archive that was cut off is to look like one.
        GzipCompressorOutputStream compressed = new GzipCompressorOutputStream(target, fastest);
        write(compressed, context);
        compressed.finish();
    }

    private void write(OutputStream target, RequestContext context) throws StorageException {
        if (full) {
            timelines.writeDataDirectory(served.timeline().id(), point.lsn(), target, context);
        } else {
            timelines.writeForCompute(served.timeline().id(), point.lsn(), point.previous(), target, context);
        }
    }
}
