package dev.palimpsest.pageserver.grpc;

import com.google.protobuf.UnsafeByteOperations;
import dev.palimpsest.pageapi.BaseBackupCompression;
import dev.palimpsest.pageapi.GetBaseBackupRequest;
import dev.palimpsest.pageapi.GetBaseBackupResponseChunk;
import dev.palimpsest.pageserver.pageservice.BackupArchive;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.pageservice.PageServiceMetrics;
import dev.palimpsest.pageserver.pageservice.ServedTimeline;
import dev.palimpsest.pageserver.pageservice.ServedTimelines;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.runtime.Cancellation;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends one base backup, a chunk whenever the client has taken what came before: so no more than two are in memory. Runs in a
 * thread of its own. That it is for a replica changes nothing, as in the page service: what is left out for one, replication slots,
 * no archive of ours has.
 */
final class BackupCall implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(BackupCall.class);

    private static final int CHUNK = 256 << 10;

    private final ServerCallStreamObserver<GetBaseBackupResponseChunk> out;
    private final GetBaseBackupRequest request;
    private final boolean gzip;
    private final ServedTimeline timeline;
    private final ServedTimelines timelines;
    private final PageService pages;
    private final CallContexts contexts;
    private final ReaderWait.OfCall reader;
    private final Cancellation cancellation;

    /** @throws StatusException INVALID_ARGUMENT if it is compressed in an unknown way */
    BackupCall(
            ServerCallStreamObserver<GetBaseBackupResponseChunk> out,
            GetBaseBackupRequest request,
            ServedTimeline timeline,
            ServedTimelines timelines,
            PageService pages,
            CallContexts contexts,
            ReaderWait readerWait)
            throws StatusException {
        this.out = out;
        this.request = request;
        this.timeline = timeline;
        this.timelines = timelines;
        this.pages = pages;
        this.contexts = contexts;
        this.gzip = switch (request.getCompression()) {
            case BASE_BACKUP_COMPRESSION_NONE -> false;
            case BASE_BACKUP_COMPRESSION_GZIP -> true;
            case BASE_BACKUP_COMPRESSION_UNKNOWN, UNRECOGNIZED ->
                throw Requests.invalid("compression " + request.getCompressionValue() + " is unknown: there are "
                        + BaseBackupCompression.BASE_BACKUP_COMPRESSION_NONE_VALUE + " for none and "
                        + BaseBackupCompression.BASE_BACKUP_COMPRESSION_GZIP_VALUE + " for gzip");
        };
        this.reader = readerWait.of(out);
        this.cancellation = contexts.ofCall().waits();
    }

    @Override
    public void run() {
        long start = System.nanoTime();
        PageServiceMetrics.BackupResult result = PageServiceMetrics.BackupResult.ERROR;
        try {
            send();
            out.onCompleted();
            result = PageServiceMetrics.BackupResult.OK;
        } catch (StorageException e) {
            if (out.isCancelled()) {
                result = PageServiceMetrics.BackupResult.CLIENT_ERROR;
            } else if (e instanceof InvalidRequestException) {
                LOG.info("no backup of timeline {}: {}", timeline.timeline().id(), e.getMessage());
            } else {
                LOG.warn("no backup of timeline {}", timeline.timeline().id(), e);
            }
            out.onError(Statuses.of(e).asException());
        } catch (IOException | RuntimeException e) {
            LOG.error(
                    "a backup of timeline {} fails by a fault of the server",
                    timeline.timeline().id(),
                    e);
            out.onError(Status.INTERNAL
                    .withDescription("a fault of the server; its log has more")
                    .asException());
        } finally {
            pages.metrics().baseBackup(result, System.nanoTime() - start);
        }
    }

    private void send() throws StorageException, IOException {
        RequestContext waiting = contexts.request(cancellation, pages.limits().waitLsnTimeout());
        Lsn lsn = request.getLsn() == 0 ? null : new Lsn(request.getLsn());
        BackupArchive archive = archive(lsn, waiting);
        Chunks chunks = new Chunks();
        try {
            archive.writeTo(chunks, gzip, contexts.unbounded(cancellation));
            chunks.flushLast();
        } catch (StorageException | IOException e) {
            if (chunks.failure != null) {
                throw chunks.failure; // what stood between may have called it something else
            }
            throw e;
        }
    }

    private BackupArchive archive(@Nullable Lsn lsn, RequestContext context) throws StorageException {
        return request.getFull()
                ? BackupArchive.full(timelines, timeline, lsn, null, context)
                : BackupArchive.base(timelines, timeline, lsn, context);
    }

    /** Gathers what is written into messages. */
    private final class Chunks extends OutputStream {
        private byte[] chunk = new byte[CHUNK];
        private int length;
        private @Nullable StorageException failure;

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int count) throws IOException {
            int done = 0;
            while (done < count) {
                int now = Math.min(CHUNK - length, count - done);
                System.arraycopy(bytes, offset + done, chunk, length, now);
                length += now;
                done += now;
                if (length == CHUNK) {
                    sendChunk();
                    chunk = new byte[CHUNK]; // the other one is the message's now
                }
            }
        }

        private void sendChunk() throws IOException {
            try {
                reader.await(contexts.request(cancellation, pages.limits().writeTimeout()));
                if (out.isCancelled()) {
                    throw new CancelledException("the client has gone");
                }
            } catch (StorageException e) {
                failure = e;
                throw new IOException(e.getMessage(), e);
            }
            out.onNext(GetBaseBackupResponseChunk.newBuilder()
                    .setChunk(UnsafeByteOperations.unsafeWrap(chunk, 0, length))
                    .build());
            length = 0;
        }

        /** What is left. */
        void flushLast() throws IOException {
            if (length > 0) {
                sendChunk();
            }
        }
    }
}
