package dev.palimpsest.pageserver.http;

/** Who may use a route. */
enum Access {
    /** Everybody, without a token: for probes, and who collects metrics. */
    OPEN,
    /** Who may use the tenant that stands in the path as {@code {tenant}}. */
    TENANT,
    /** Who may use the tenant of the branch that stands in the path as {@code {name}}. */
    BRANCH,
    /** Who may do everything. */
    SERVER
}
