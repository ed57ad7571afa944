package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.ServerMessages;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;

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
        send(BackupArchive.base(timelines, served, wanted.lsn(), context), wanted.gzip(), context);
    }

    /** A whole data directory. */
    void full(ServedTimeline served, PageServiceCommand.FullBackup wanted, RequestContext context)
            throws StorageException, IOException {
        send(BackupArchive.full(timelines, served, wanted.lsn(), wanted.previous(), context), false, context);
    }

    /** @throws CancelledException if the server is being shut down; part of the archive may have been sent */
    private void send(BackupArchive archive, boolean gzip, RequestContext context)
            throws StorageException, IOException {
        out.message(ServerMessages.copyOut());
        // Not closed, which would send what is left of an archive that failed.
        BufferedOutputStream target = new BufferedOutputStream(new CopyData(), MESSAGE_SIZE);
        archive.writeTo(target, gzip, context);
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
