package dev.palimpsest.pageserver.pageservice;

/** Which form the messages of a pagestream have. */
enum PagestreamVersion {
    /** Requests without a number; replies are in their order, that is all. */
    V2,
    /** Every reply begins with what was asked, so that the client can tell that it is the reply to its request. */
    V3
}
