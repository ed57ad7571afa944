package dev.palimpsest.pageserver.http;

import java.io.IOException;
import java.util.List;

/** What can be asked of the server as a whole. Safe for use by many threads. */
public interface ServerOperations {
    /** What keeps it from serving, a sentence each; empty if it serves. */
    List<String> problems();

    /** Which tenants it does not serve though it serves, and why, a sentence each. */
    default List<String> tenantsNotServed() {
        return List.of();
    }

    /**
     * Reads its configuration, keys and certificates again, and goes on with them.
     *
     * @throws IOException if something cannot be read or makes no sense; then nothing has changed
     */
    Responses.Reloaded reload() throws IOException;
}
