package dev.palimpsest.pageserver.grpc;

import dev.palimpsest.pageapi.ReadLsn;
import dev.palimpsest.pageserver.pageservice.PagestreamRequest;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.RelTag;
import io.grpc.Status;
import io.grpc.StatusException;

/** What messages mean, in the terms of the page service. What they leave out or cannot mean is INVALID_ARGUMENT. */
final class Requests {
    private Requests() {}

    /**
     * As of when something is read. A client that does not say since when what it asks for is unchanged wants it as of exactly
     * {@code request_lsn}; as of the newest LSN that is whatever there is now.
     *
     * @param number the request's, in the client's own count
     */
    static PagestreamRequest.Header header(long number, boolean present, ReadLsn read) throws StatusException {
        if (!present) {
            throw missing("read_lsn");
        }
        Lsn request = new Lsn(read.getRequestLsn());
        Lsn since = new Lsn(read.getNotModifiedSinceLsn());
        if (!since.isValid() && !request.equals(Lsn.MAX)) {
            since = request;
        }
        return new PagestreamRequest.Header(number, request, since);
    }

    /** A fork of a relation. */
    static RelTag fork(boolean present, dev.palimpsest.pageapi.RelTag rel) throws StatusException {
        if (!present) {
            throw missing("rel");
        }
        if (Integer.compareUnsigned(rel.getForkNumber(), RelTag.INIT) > 0) {
            throw invalid("there is no fork " + Integer.toUnsignedString(rel.getForkNumber()));
        }
        return new RelTag(rel.getSpcOid(), rel.getDbOid(), rel.getRelNumber(), rel.getForkNumber());
    }

    static StatusException missing(String field) {
        return invalid(field + " is missing");
    }

    static StatusException invalid(String why) {
        return Status.INVALID_ARGUMENT.withDescription(why).asException();
    }
}
