package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.datadir.PreviousRecord;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.ServerMessages;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.Deflater;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;
import org.jspecify.annotations.Nullable;

/** Sends backups to one client, each as a COPY. Used by one thread. */
final class Backups {
    /** As large as what goes to the socket at once. */
    private static final int MESSAGE_SIZE = 32 << 10;
    /** Neon says SELECT 1, which libpq passes over; JDBC wants this. */
    private static final String COPY_TAG = "COPY 1";

    private final ClientOutput out;
    private final ServedTimelines timelines;

    Backups(ClientOutput out, ServedTimelines timelines) {
        this.out = out;
        this.timelines = timelines;
    }

    /** What a compute starts from. */
    void base(ServedTimeline served, PageServiceCommand.BaseBackup wanted, RequestContext context)
            throws StorageException, IOException {
        BackupPoint point = point(served, wanted.lsn(), context);
        send(target -> {
            if (!wanted.gzip()) {
                timelines.writeForCompute(served.timeline().id(), point.lsn(), point.previous(), target, context);
                return;
            }
            GzipParameters fastest = new GzipParameters();
            fastest.setCompressionLevel(Deflater.BEST_SPEED);
            fastest.setBufferSize(MESSAGE_SIZE);
            // Closed only if all went well: an archive that was cut off is to look like one.
            GzipCompressorOutputStream gzip = new GzipCompressorOutputStream(target, fastest);
            timelines.writeForCompute(served.timeline().id(), point.lsn(), point.previous(), gzip, context);
            gzip.finish();
        });
    }

    /** A whole data directory. */
    void full(ServedTimeline served, PageServiceCommand.FullBackup wanted, RequestContext context)
            throws StorageException, IOException {
        BackupPoint point = point(served, wanted.lsn(), context);
        if (wanted.previous() != null
                && point.previous() instanceof PreviousRecord.At(Lsn previous)
                && !previous.equals(wanted.previous())) {
            throw new InvalidRequestException("no backup as of " + point.lsn() + ": the record before ended at "
                    + previous + ", not at " + wanted.previous());
        }
        send(target -> timelines.writeDataDirectory(served.timeline().id(), point.lsn(), target, context));
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

    /** Writes what is sent. */
    @FunctionalInterface
    private interface Archive {
        void write(OutputStream target) throws StorageException, IOException;
    }

    /** @throws CancelledException if the server is being shut down; part of the archive may have been sent */
    private void send(Archive archive) throws StorageException, IOException {
        out.message(ServerMessages.copyOut());
        // Not closed, which would send what is left of an archive that failed.
        BufferedOutputStream target = new BufferedOutputStream(new CopyData(), MESSAGE_SIZE);
        archive.write(target);
        target.flush();
        out.message(ServerMessages.bare(BackendMessage.COPY_DONE));
        out.message(ServerMessages.commandComplete(COPY_TAG));
    }

    /** Every write is a CopyData. */
    private final class CopyData extends OutputStream {
        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value});
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.int8(BackendMessage.COPY_DATA);
            out.int32(4 + length);
            out.bytes(bytes, offset, length);
        }
    }
}
