package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import dev.palimpsest.storage.key.RelTag;

/**
 * What a client asks for. In a pagestream it is the content of one CopyData; all numbers are big-endian.
 *
 * <pre>
 * u8   tag: 0 exists, 1 nblocks, 2 getpage, 3 dbsize, 4 getslrusegment
 * u64  number of the request           only in version 3
 * u64  request LSN
 * u64  not modified since
 * then, by tag:
 *   exists, nblocks   u32 tablespace, u32 database, u32 relation, u8 fork
 *   getpage           the same, u32 block
 *   dbsize            u32 database
 *   getslrusegment    u8 kind, u32 segment
 * </pre>
 *
 * <p>Source: Neon's pagestream protocol. Bytes after the end are passed over, as there.
 */
public sealed interface PagestreamRequest {
    /** Tag of {@link Exists}. */
    int EXISTS = 0;
    /** Tag of {@link Nblocks}. */
    int NBLOCKS = 1;
    /** Tag of {@link GetPage}. */
    int GET_PAGE = 2;
    /** Tag of {@link DbSize}. */
    int DB_SIZE = 3;
    /** Tag of {@link GetSlruSegment}. */
    int GET_SLRU_SEGMENT = 4;

    /** What all requests have. */
    Header header();

    /**
     * What all requests have.
     *
     * @param number the client's own; 0 in version 2
     * @param requestLsn as of when; {@link Lsn#MAX} for the newest
     * @param notModifiedSince the client knows that nothing has changed from here, exclusive, to {@code requestLsn}
     */
    record Header(long number, Lsn requestLsn, Lsn notModifiedSince) {}

    /** Whether a fork exists. */
    record Exists(Header header, RelTag fork) implements PagestreamRequest {}

    /** How many blocks a fork has. */
    record Nblocks(Header header, RelTag fork) implements PagestreamRequest {}

    /**
     * A page.
     *
     * @param block unsigned
     */
    record GetPage(Header header, RelTag fork, int block) implements PagestreamRequest {}

    /** How many bytes all relations of a database have. */
    record DbSize(Header header, int dbNode) implements PagestreamRequest {}

    /**
     * An SLRU segment.
     *
     * @param kind unsigned byte, as {@link dev.palimpsest.storage.key.SlruKind#number}
     */
    record GetSlruSegment(Header header, int kind, int segment) implements PagestreamRequest {}

    /** Decodes a request. */
    static PagestreamRequest decode(PagestreamVersion version, MessageBody body) throws MalformedMessageException {
        int tag = body.int8() & 0xFF;
        long number = version == PagestreamVersion.V3 ? body.int64() : 0;
        Header header = new Header(number, new Lsn(body.int64()), new Lsn(body.int64()));
        return switch (tag) {
            case EXISTS -> new Exists(header, fork(body));
            case NBLOCKS -> new Nblocks(header, fork(body));
            case GET_PAGE -> new GetPage(header, fork(body), body.int32());
            case DB_SIZE -> new DbSize(header, body.int32());
            case GET_SLRU_SEGMENT -> new GetSlruSegment(header, body.int8() & 0xFF, body.int32());
            default -> throw new MalformedMessageException("there is no pagestream request with tag " + tag);
        };
    }

    private static RelTag fork(MessageBody body) throws MalformedMessageException {
        return new RelTag(body.int32(), body.int32(), body.int32(), body.int8() & 0xFF);
    }
}
