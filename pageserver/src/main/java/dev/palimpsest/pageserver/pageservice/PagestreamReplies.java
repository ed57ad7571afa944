package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.storage.key.RelTag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Writes the replies of a pagestream, each a CopyData. All numbers are big-endian.
 *
 * <pre>
 * u8   tag: 100 exists, 101 nblocks, 102 getpage, 103 error, 104 dbsize, 105 getslrusegment
 * u64  number of the request, u64 request LSN, u64 not modified since       only in version 3
 * what was asked, as in the request (nothing for an error)                  only in version 3
 * then, by tag:
 *   exists          u8 0 or 1
 *   nblocks         u32 blocks
 *   getpage         8192 bytes
 *   error           UTF-8, ended by a zero byte
 *   dbsize          i64 bytes
 *   getslrusegment  u32 pages, and 8192 bytes for each
 * </pre>
 *
 * <p>Source: Neon's pagestream protocol. Used by one thread.
 */
final class PagestreamReplies {
    static final int EXISTS = 100;
    static final int NBLOCKS = 101;
    static final int GET_PAGE = 102;
    static final int ERROR = 103;
    static final int DB_SIZE = 104;
    static final int GET_SLRU_SEGMENT = 105;

    private static final int PAGE = 8192;
    private static final int LENGTH_SIZE = 4;
    private static final int TAG_SIZE = 1;
    private static final int HEADER_SIZE = 24;
    private static final int FORK_SIZE = 13;

    private final PagestreamVersion version;
    private final ClientOutput out;

    PagestreamReplies(PagestreamVersion version, ClientOutput out) {
        this.version = version;
        this.out = out;
    }

    void exists(PagestreamRequest.Exists request, boolean exists) throws IOException {
        begin(EXISTS, request.header(), FORK_SIZE, 1);
        fork(request.fork());
        out.int8(exists ? 1 : 0);
    }

    void nblocks(PagestreamRequest.Nblocks request, int blocks) throws IOException {
        begin(NBLOCKS, request.header(), FORK_SIZE, 4);
        fork(request.fork());
        out.int32(blocks);
    }

    void page(PagestreamRequest.GetPage request, byte[] page) throws IOException {
        begin(GET_PAGE, request.header(), FORK_SIZE + 4, PAGE);
        fork(request.fork());
        askedInt32(request.block());
        out.bytes(page, 0, PAGE);
    }

    void databaseSize(PagestreamRequest.DbSize request, long bytes) throws IOException {
        begin(DB_SIZE, request.header(), 4, 8);
        askedInt32(request.dbNode());
        out.int64(bytes);
    }

    /** @param pages whole pages, one after the other */
    void slruSegment(PagestreamRequest.GetSlruSegment request, byte[] pages) throws IOException {
        begin(GET_SLRU_SEGMENT, request.header(), 1 + 4, 4 + pages.length);
        askedInt8(request.kind());
        askedInt32(request.segment());
        out.int32(pages.length / PAGE);
        out.bytes(pages, 0, pages.length);
    }

    void error(PagestreamRequest request, String message) throws IOException {
        byte[] text = message.replace('\0', ' ').getBytes(StandardCharsets.UTF_8);
        begin(ERROR, request.header(), 0, text.length + 1);
        out.bytes(text, 0, text.length);
        out.int8(0);
    }

    /**
     * Begins a reply.
     *
     * @param askedSize how many bytes repeat what was asked, in version 3
     * @param size how many bytes come after that
     */
    private void begin(int tag, PagestreamRequest.Header header, int askedSize, int size) throws IOException {
        boolean repeats = version == PagestreamVersion.V3;
        out.int8(BackendMessage.COPY_DATA);
        out.int32(LENGTH_SIZE + TAG_SIZE + (repeats ? HEADER_SIZE + askedSize : 0) + size);
        out.int8(tag);
        if (repeats) {
            out.int64(header.number());
            out.int64(header.requestLsn().value());
            out.int64(header.notModifiedSince().value());
        }
    }

    private void fork(RelTag fork) throws IOException {
        askedInt32(fork.spcNode());
        askedInt32(fork.dbNode());
        askedInt32(fork.relNode());
        askedInt8(fork.forkNumber());
    }

    private void askedInt32(int value) throws IOException {
        if (version == PagestreamVersion.V3) {
            out.int32(value);
        }
    }

    private void askedInt8(int value) throws IOException {
        if (version == PagestreamVersion.V3) {
            out.int8(value);
        }
    }
}
