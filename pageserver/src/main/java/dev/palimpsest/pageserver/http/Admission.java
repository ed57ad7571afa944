package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.security.Authentication;
import dev.palimpsest.pageserver.security.Caller;
import dev.palimpsest.pageserver.security.InvalidTokenException;
import dev.palimpsest.storage.TenantId;
import java.net.URI;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;

/**
 * Lets requests in, or not. Where no token is asked for, whoever reaches the address is let in, but not a page in a browser
 * there that comes from elsewhere: neither under its own name ({@code Origin}) nor under one that it made lead here ({@code Host}).
 */
final class Admission {
    private static final String BEARER = "bearer ";
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|\\[[0-9a-fA-F:.]+]");

    private final Authentication authentication;
    private final BranchService branches;
    private final boolean local;

    /** @param local whether the address is one that only the same machine reaches, so that no other name leads to it */
    Admission(Authentication authentication, BranchService branches, boolean local) {
        this.authentication = authentication;
        this.branches = branches;
        this.local = local;
    }

    /**
     * Whose a request is.
     *
     * @throws HttpFailure 401 without a token, 403 with one that proves nothing
     */
    Caller caller(Request request) throws HttpFailure {
        if (!authentication.isRequired()) {
            refuseOtherSites(request);
            return Caller.TRUSTED;
        }
        String header = request.getHeaders().get(HttpHeader.AUTHORIZATION);
        if (header == null || !header.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            throw new HttpFailure(
                    HttpFailure.UNAUTHORIZED, "a token is needed, in a header Authorization: Bearer TOKEN");
        }
        try {
            return authentication.authenticate(header.substring(BEARER.length()).strip());
        } catch (InvalidTokenException e) {
            throw new HttpFailure(HttpFailure.FORBIDDEN, "JWT authentication error: " + e.getMessage());
        }
    }

    private void refuseOtherSites(Request request) throws HttpFailure {
        String host = request.getHeaders().get(HttpHeader.HOST);
        String origin = request.getHeaders().get(HttpHeader.ORIGIN);
        if (origin != null && !origin.equals("http://" + host) && !origin.equals("https://" + host)) {
            throw new HttpFailure(HttpFailure.FORBIDDEN, "a page from elsewhere may not ask this server");
        }
        if (local && host != null && !isLocal(host)) {
            throw new HttpFailure(HttpFailure.FORBIDDEN, "this server is asked as localhost or by its IP address");
        }
    }

    private static boolean isLocal(String host) {
        try {
            String name = URI.create("http://" + host).getHost();
            return name != null
                    && (name.equalsIgnoreCase("localhost")
                            || ADDRESS.matcher(name).matches());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * Whether a caller may use a route.
     *
     * @param variables what stands in the path for the route's variables
     * @throws HttpFailure 403 if not; also of what is not there, so that nobody learns what there is
     */
    void check(Caller caller, Access access, Map<String, String> variables) throws HttpFailure {
        boolean may = caller.mayAdminister()
                || switch (access) {
                    case OPEN -> true;
                    case SERVER -> false;
                    case TENANT -> mayUse(caller, variables.get("tenant"));
                    case BRANCH -> mayUse(caller, tenantOf(variables.get("name")));
                };
        if (!may) {
            throw new HttpFailure(
                    HttpFailure.FORBIDDEN,
                    "a token of scope " + caller.scope().claim()
                            + caller.tenant()
                                    .map(tenant -> " for tenant " + tenant)
                                    .orElse("")
                            + " is not enough for this");
        }
    }

    private static boolean mayUse(Caller caller, @Nullable String tenant) {
        try {
            return tenant != null && caller.mayUse(TenantId.parse(tenant));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private @Nullable String tenantOf(@Nullable String branch) {
        try {
            return branch == null ? null : branches.view(branch).tenant();
        } catch (BranchException e) {
            return null;
        }
    }
}
