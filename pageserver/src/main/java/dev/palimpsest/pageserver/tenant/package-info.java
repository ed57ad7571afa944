/**
 * Tenants: which of them this server has, and as what; their way from the object store into the server and out of it; what counts
 * for one and not for others. What happens to one is nothing to the others. Knows nothing of branches, but that somebody has to
 * take up what a tenant has, and to let go of it.
 */
@NullMarked
package dev.palimpsest.pageserver.tenant;

import org.jspecify.annotations.NullMarked;
