/**
 * The messages and stubs of the gRPC page API, generated from {@code page_service.proto}: nothing here is written by hand. What
 * they mean is said there; who answers them is {@code dev.palimpsest.pageserver.grpc}.
 */
package dev.palimpsest.pageapi;
