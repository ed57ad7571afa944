package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.pageserver.relation.ClusterReader;
import dev.palimpsest.pageserver.relation.Listings.DatabaseId;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.DeadlineExceededException;
import dev.palimpsest.storage.InvalidRequestException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.key.KeySpace;
import dev.palimpsest.storage.key.RelTag;
import dev.palimpsest.storage.key.SlruKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.timeline.KeyResult;
import dev.palimpsest.storage.timeline.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Answers the requests of clients out of one timeline, whichever protocol they speak.
 *
 * <p>As of which LSN: the client says which version it wants, and since when what it asks for is unchanged; any LSN from the
 * one to the other gives the same answer. So a read waits only for {@code not_modified_since}, and is then made as of the
 * request LSN, or of the last record if that is before it. Used by one thread.
 */
public final class PageReads {
    private static final int PAGE = 8192;
    private static final PageResult BEYOND_END = new PageResult.Page(new byte[PAGE]);

    private final ServedTimeline served;
    private final Timeline timeline;
    private final Cancellation waits;

    /**
     * Reads nothing yet.
     *
     * @param waits ends waits for LSNs
     */
    public PageReads(ServedTimeline served, Cancellation waits) {
        this.served = served;
        this.waits = waits;
        this.timeline = served.timeline();
    }

    TimelineId timeline() {
        return timeline.id();
    }

    /** A page, or why there is none. */
    public sealed interface PageResult {
        /** The page; 8192 bytes or more, of which the first count. Good as long as the arrays of the request's context are. */
        record Page(byte[] bytes) implements PageResult {}

        /** Why there is none. */
        record Refused(RequestFailure failure) implements PageResult {}
    }

    /**
     * Reads pages: one wait, and one read for each LSN among them.
     *
     * @param requests at most as many as a vectored read may have keys
     * @return results in the order of the requests
     * @throws CancelledException if the timeline or the connection is being shut down
     */
    public List<PageResult> pages(List<PagestreamRequest.GetPage> requests, RequestContext context)
            throws CancelledException {
        List<PageResult> results = new ArrayList<>(requests.size());
        Lsn last;
        try {
            last = await(requests, context);
        } catch (RequestFailure e) {
            requests.forEach(_ -> results.add(new PageResult.Refused(e)));
            return results;
        }
        // Null for those that are answered, or whose read is done.
        @Nullable Lsn[] lsns = new Lsn[requests.size()];
        for (int i = 0; i < lsns.length; i++) {
            results.add(BEYOND_END);
            try {
                lsns[i] = effectiveLsn(requests.get(i).header(), last);
            } catch (RequestFailure e) {
                results.set(i, new PageResult.Refused(e));
            }
        }
        for (int i = 0; i < lsns.length; i++) {
            Lsn lsn = lsns[i];
            if (lsn != null) {
                read(requests, lsns, lsn, results, context);
            }
        }
        return results;
    }

    /** Reads those that are to be read at an LSN. */
    private void read(
            List<PagestreamRequest.GetPage> requests,
            @Nullable Lsn[] lsns,
            Lsn lsn,
            List<PageResult> results,
            RequestContext context)
            throws CancelledException {
        @Nullable Key[] keys = new Key[lsns.length];
        List<KeyRange> wanted = new ArrayList<>(lsns.length);
        for (int i = 0; i < lsns.length; i++) {
            if (lsn.equals(lsns[i])) {
                lsns[i] = null;
                Key key = existingKey(requests.get(i), i, lsn, results, context);
                if (key != null) {
                    keys[i] = key;
                    wanted.add(KeyRange.single(key));
                }
            }
        }
        if (wanted.isEmpty()) {
            return;
        }
        Map<Key, KeyResult> found;
        try {
            found = timeline.getVectored(KeySpace.ofUnordered(wanted), lsn, context);
        } catch (StorageException e) {
            PageResult refused = new PageResult.Refused(failure(e));
            for (int i = 0; i < keys.length; i++) {
                if (keys[i] != null) {
                    results.set(i, refused);
                }
            }
            return;
        }
        for (int i = 0; i < keys.length; i++) {
            Key key = keys[i];
            if (key != null) {
                results.set(i, result(key, Objects.requireNonNull(found.get(key))));
            }
        }
    }

    /** The key of the page that is asked for; null if the request is refused, or the page lies behind the end of its fork. */
    private @Nullable Key existingKey(
            PagestreamRequest.GetPage request, int index, Lsn lsn, List<PageResult> results, RequestContext context)
            throws CancelledException {
        try {
            // A block behind the end is zeros, as a file that was cut leaves it to a reader who comes late.
            return Integer.compareUnsigned(request.block(), existingLength(request.fork(), lsn, context)) < 0
                    ? request.fork().blockKey(request.block())
                    : null;
        } catch (RequestFailure e) {
            results.set(index, new PageResult.Refused(e));
            return null;
        }
    }

    private PageResult result(Key key, KeyResult found) throws CancelledException {
        return switch (found) {
            case KeyResult.Found(byte[] bytes) when bytes.length >= PAGE -> new PageResult.Page(bytes);
            case KeyResult.Found(byte[] bytes) ->
                new PageResult.Refused(RequestFailure.readError(
                        "key " + key + " has " + bytes.length + " bytes", new IllegalStateException("no page")));
            case KeyResult.Failed(StorageException reason) -> new PageResult.Refused(failure(reason));
        };
    }

    boolean exists(PagestreamRequest.Exists request, RequestContext context) throws RequestFailure, CancelledException {
        Lsn lsn = awaitOne(request, context);
        return length(checked(request.fork()), lsn, context).isPresent();
    }

    /** How many blocks a fork has that must exist, or is a map that need not. */
    public int nblocks(PagestreamRequest.Nblocks request, RequestContext context)
            throws RequestFailure, CancelledException {
        Lsn lsn = awaitOne(request, context);
        RelTag fork = checked(request.fork());
        if (fork.forkNumber() == RelTag.FREE_SPACE_MAP || fork.forkNumber() == RelTag.VISIBILITY_MAP) {
            return length(fork, lsn, context).orElse(0);
        }
        return existingLength(fork, lsn, context);
    }

    /** How many blocks a fork has; empty if it does not exist. */
    public OptionalInt blocks(PagestreamRequest.Nblocks request, RequestContext context)
            throws RequestFailure, CancelledException {
        Lsn lsn = awaitOne(request, context);
        return length(checked(request.fork()), lsn, context);
    }

    /** In bytes: all forks, in all tablespaces. */
    public long databaseSize(PagestreamRequest.DbSize request, RequestContext context)
            throws RequestFailure, CancelledException {
        Lsn lsn = awaitOne(request, context);
        ClusterReader reader = new ClusterReader(timeline, lsn, context);
        try {
            long blocks = 0;
            for (DatabaseId database : reader.databases().keySet()) {
                if (database.dbNode() == request.dbNode()) {
                    for (int length : reader.relations(database).values()) {
                        blocks += Integer.toUnsignedLong(length);
                    }
                }
            }
            return blocks * PAGE;
        } catch (StorageException e) {
            throw failure(e);
        }
    }

    /** Whole pages. */
    public byte[] slruSegment(PagestreamRequest.GetSlruSegment request, RequestContext context)
            throws RequestFailure, CancelledException {
        Lsn lsn = awaitOne(request, context);
        SlruKind[] kinds = SlruKind.values();
        if (request.kind() >= kinds.length) {
            throw RequestFailure.badRequest("there is no SLRU of kind " + request.kind());
        }
        SlruKind kind = kinds[request.kind()];
        ClusterReader reader = new ClusterReader(timeline, lsn, context);
        try {
            if (!reader.slruDirectory(kind).contains(request.segment())) {
                throw RequestFailure.notFound(
                        "segment " + Integer.toHexString(request.segment()) + " of " + kind.directory() + " at " + lsn);
            }
            return reader.slruSegment(kind, request.segment(), reader.slruLength(kind, request.segment()));
        } catch (StorageException e) {
            throw failure(e);
        }
    }

    private static RelTag checked(RelTag fork) throws RequestFailure {
        if (fork.relNode() == 0) {
            throw RequestFailure.badRequest("0 is no relation");
        }
        return fork;
    }

    private int existingLength(RelTag fork, Lsn lsn, RequestContext context) throws RequestFailure, CancelledException {
        OptionalInt length = length(fork, lsn, context);
        if (length.isEmpty()) {
            throw RequestFailure.notFound("relation " + fork + " does not exist at " + lsn);
        }
        return length.getAsInt();
    }

    private OptionalInt length(RelTag fork, Lsn lsn, RequestContext context) throws RequestFailure, CancelledException {
        try {
            return served.lengths().length(fork, lsn, context);
        } catch (StorageException e) {
            throw failure(e);
        }
    }

    private Lsn awaitOne(PagestreamRequest request, RequestContext context) throws RequestFailure, CancelledException {
        return effectiveLsn(request.header(), await(List.of(request), context));
    }

    /** Waits for all that requests need; returns the last record's LSN after that. */
    private Lsn await(List<? extends PagestreamRequest> requests, RequestContext context)
            throws RequestFailure, CancelledException {
        Lsn needed = Lsn.INVALID;
        for (PagestreamRequest request : requests) {
            PagestreamRequest.Header header = request.header();
            if (!header.requestLsn().isBefore(header.notModifiedSince())) {
                needed = Lsn.max(needed, header.notModifiedSince());
            }
        }
        Lsn last = timeline.lastRecordLsn();
        if (!needed.isAfter(last)) {
            return last;
        }
        try {
            timeline.awaitLsn(needed, context.withCancellation(waits));
        } catch (StorageException e) {
            throw failure(e);
        }
        return timeline.lastRecordLsn();
    }

    private Lsn effectiveLsn(PagestreamRequest.Header header, Lsn last) throws RequestFailure {
        Lsn request = header.requestLsn();
        if (request.isBefore(header.notModifiedSince())) {
            throw RequestFailure.badRequest("the request LSN " + request + " is before the LSN "
                    + header.notModifiedSince() + " since which nothing was modified");
        }
        if (!request.isValid()) {
            throw RequestFailure.badRequest("the request LSN is 0/0");
        }
        Lsn lsn = Lsn.min(last, request);
        if (lsn.isBefore(served.readableFrom())) {
            throw RequestFailure.badRequest("timeline " + timeline.id() + " cannot be read at " + lsn
                    + ": it is consistent from " + served.readableFrom() + " on");
        }
        if (served.isCutOff(lsn)) {
            throw RequestFailure.badRequest(served.whyCutOff(lsn));
        }
        return lsn;
    }

    private RequestFailure failure(StorageException reason) throws CancelledException {
        return switch (reason) {
            case CancelledException e -> throw e;
            case DeadlineExceededException e ->
                RequestFailure.timeout(e.getMessage() + "; disk_consistent_lsn is " + timeline.diskConsistentLsn(), e);
            case InvalidRequestException e -> RequestFailure.badRequest(e.getMessage());
            case StorageException e -> RequestFailure.readError(e.getMessage(), e);
        };
    }
}
