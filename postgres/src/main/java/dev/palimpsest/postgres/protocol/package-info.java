/**
 * PostgreSQL's frontend/backend protocol, version 3, and the replication messages inside it: bytes in, values out. No
 * socket and no state of a conversation; whoever owns the socket puts the messages in order.
 */
@NullMarked
package dev.palimpsest.postgres.protocol;

import org.jspecify.annotations.NullMarked;
