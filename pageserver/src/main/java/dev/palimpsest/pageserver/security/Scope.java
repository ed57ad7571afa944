package dev.palimpsest.pageserver.security;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a token is for, by Neon's names. A server of pages lets in the first two; the others are good for other services. */
public enum Scope {
    /** One tenant, which the token names. */
    TENANT,
    /** Everything on this server. */
    PAGESERVERAPI,
    /** The endpoints of one tenant, with their control plane. */
    TENANTENDPOINT,
    /** Services that keep WAL. */
    SAFEKEEPERDATA,
    /** Upcalls of servers to their control plane. */
    GENERATIONS_API,
    /** A control plane's administration. */
    ADMIN,
    /** A control plane's infrastructure. */
    INFRA,
    /** Who checks what is in the object store. */
    SCRUBBER,
    /** Control planes among themselves. */
    CONTROLLER_PEER;

    /** As tokens say it. */
    public String claim() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Empty if there is none of that name, which is case-sensitive. */
    static Optional<Scope> of(String claim) {
        return Arrays.stream(values())
                .filter(scope -> scope.claim().equals(claim))
                .findFirst();
    }
}
