/**
 * The page API over gRPC, as of {@code page_service.proto}: the same reads as those of the page service, for clients that speak
 * HTTP/2. Knows calls, their metadata, status codes and flow control; which answer a request gets it asks {@link
 * dev.palimpsest.pageserver.pageservice} for. Nothing outside of it knows gRPC or Netty, so that neither is loaded where this is off.
 */
@NullMarked
package dev.palimpsest.pageserver.grpc;

import org.jspecify.annotations.NullMarked;
