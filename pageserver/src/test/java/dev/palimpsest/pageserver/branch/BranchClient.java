package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.http.ApiJson;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Asks a server over HTTP for one thing after the other, and keeps {@link BranchModel} informed. Used by one thread. */
final class BranchClient {
    private static final String OWN = "/palimpsest/v1/branch";
    private static final String TENANT = "/v1/tenant/" + SyntheticCluster.TENANT;
    private static final int BEYOND = 0x10000;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final int port;
    private final EmbeddedStore store;
    private final BranchModel model;
    private final int id;
    private final SplittableRandom random;
    private final boolean alone;
    private String last = "nothing yet";

    /** @param alone whether nobody else changes anything, so that each answer is known before */
    BranchClient(int port, EmbeddedStore store, BranchModel model, int id, SplittableRandom random, boolean alone) {
        this.port = port;
        this.store = store;
        this.model = model;
        this.id = id;
        this.random = random;
        this.alone = alone;
    }

    private record Answer(int status, byte[] body) {
        JsonNode json() {
            return ApiJson.mapper().readTree(body);
        }

        @Override
        public String toString() {
            return status + " " + new String(body, StandardCharsets.UTF_8);
        }
    }

    private Answer ask(String method, String path, @Nullable Object body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .method(
                        method,
                        body == null
                                ? BodyPublishers.noBody()
                                : BodyPublishers.ofString(ApiJson.mapper().writeValueAsString(body)));
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        HttpResponse<byte[]> response = http.send(request.build(), BodyHandlers.ofByteArray());
        return new Answer(response.statusCode(), response.body());
    }

    /** @param others what may come instead where others are at work too */
    private void expect(Answer answer, String what, int expected, Integer... others) {
        if (alone) {
            assertThat(answer.status())
                    .as(what + " after " + last + ": " + answer)
                    .isEqualTo(expected);
        } else {
            assertThat(Set.of(others).contains(answer.status()) || answer.status() == expected)
                    .as(what + " after " + last + " is not to get " + answer)
                    .isTrue();
        }
        last = what;
    }

    void run(int steps) throws Exception {
        for (int step = 0; step < steps; step++) {
            List<BranchModel.Node> mine =
                    model.present().stream().filter(node -> node.owner == id).toList();
            List<BranchModel.Node> all = model.all();
            BranchModel.Node any = all.get(random.nextInt(all.size()));
            BranchModel.Node own = mine.isEmpty() ? null : mine.get(random.nextInt(mine.size()));
            int dice = random.nextInt(100);
            if (dice < 25 || own == null) {
                create(any, id + "-" + step + "-" + model.made());
            } else if (dice < 45) {
                write(own);
            } else if (dice < 53) {
                delete(own);
            } else if (dice < 61) {
                archive(own);
            } else if (dice < 69) {
                unarchive(own);
            } else if (dice < 75) {
                detach(own);
            } else if (dice < 81) {
                lease(own);
            } else if (dice < 87) {
                upkeep(own, "gc", Map.of("pitr_interval", "0s", "gc_horizon", 0));
            } else if (dice < 91) {
                upkeep(own, "flush", null);
            } else if (dice < 95) {
                upkeep(own, "compact", Map.of("images", true, "force", true));
            } else if (!own.archived) {
                checkNumbers(own);
            }
        }
    }

    private static String neon(BranchModel.Node node) {
        return TENANT + "/timeline/" + node.timeline;
    }

    private static String own(BranchModel.Node node) {
        return OWN + "/" + node.name;
    }

    private JsonNode view(BranchModel.Node node) throws Exception {
        return ask("GET", own(node), null).json();
    }

    private long somewhere(BranchModel.Node node) {
        return random.nextLong(node.numbers.firstKey(), node.numbers.lastKey() + 1) & -8L;
    }

    private void create(BranchModel.Node from, String name) throws Exception {
        boolean neon = random.nextBoolean();
        int where = random.nextInt(10);
        @Nullable Lsn at = where < 4 ? null : new Lsn(where == 4 ? from.numbers.lastKey() + BEYOND : somewhere(from));
        String timeline = "%016x%016x".formatted(random.nextLong(), random.nextLong());

        int expected;
        if (from.deleted) {
            expected = 404;
        } else if (from.archived) {
            expected = neon ? 406 : 409;
        } else if (at != null && !canBegin(from, at.value())) {
            expected = neon ? 406 : 400;
        } else {
            expected = 201;
        }
        Answer answer = neon
                ? ask("POST", TENANT + "/timeline", body(timeline, from.timeline, at))
                : ask(
                        "POST",
                        OWN,
                        at == null
                                ? Map.of("name", name, "from", from.name)
                                : Map.of("name", name, "from", from.name, "at", at.toString()));
        expect(answer, "create " + name + " from " + from + " at " + at, expected, 201, 400, 404, 406, 409);
        if (answer.status() == 201) {
            JsonNode made = neon ? ask("GET", OWN + "/" + timeline, null).json() : answer.json();
            made(made, from);
        }
    }

    /** A branch from before where this one left its parent begins there, so it must be readable on both. */
    private boolean canBegin(BranchModel.Node from, long lsn) throws Exception {
        BranchModel.Node owner = from;
        for (BranchModel.Node up = from.parent; up != null && lsn < owner.branchedAt; up = owner.parent) {
            owner = up;
        }
        return lsn <= from.numbers.lastKey() && isReadable(from, lsn) && isReadable(owner, lsn);
    }

    private boolean isReadable(BranchModel.Node node, long lsn) throws Exception {
        JsonNode from = view(node).get("readable_from");
        // Where others are at work, it may be gone.
        return from != null
                && (node.leased.contains(lsn)
                        || lsn >= Lsn.parse(from.asString()).value());
    }

    private static Map<String, String> body(String timeline, String ancestor, @Nullable Lsn at) {
        return at == null
                ? Map.of("new_timeline_id", timeline, "ancestor_timeline_id", ancestor)
                : Map.of(
                        "new_timeline_id",
                        timeline,
                        "ancestor_timeline_id",
                        ancestor,
                        "ancestor_start_lsn",
                        at.toString());
    }

    private void made(JsonNode made, BranchModel.Node from) {
        // Where others detach, it may have lost its parent already.
        JsonNode parent = made.get("parent");
        long lsn = Lsn.parse(made.get("last_record_lsn").asString()).value();
        BranchModel.Node node = new BranchModel.Node(
                made.get("name").asString(),
                made.get("timeline").asString(),
                id,
                parent.isNull() ? null : model.node(parent.asString()),
                lsn,
                from.numbers.headMap(lsn, true));
        model.add(node);
    }

    private void write(BranchModel.Node node) throws Exception {
        if (node.archived) {
            return;
        }
        long number = random.nextLong();
        long lsn = Math.max(node.numbers.lastKey(), node.branchedAt) + 8L * (1 + random.nextInt(16));
        node.numbers.put(lsn, number);
        SyntheticCluster.write(store, node.timeline, new Lsn(lsn), number);
    }

    private void delete(BranchModel.Node node) throws Exception {
        if (node.name.equals(BranchModel.ROOT)) {
            return; // nothing could be made any more
        }
        boolean neon = random.nextBoolean();
        int refused = neon ? 412 : 409;
        int done = neon ? 202 : 200;
        Answer answer = ask("DELETE", neon ? neon(node) : own(node), null);
        expect(answer, "delete " + node, model.children(node).isEmpty() ? done : refused, done, refused);
        if (answer.status() == done) {
            node.deleted = true;
        }
    }

    private void archive(BranchModel.Node node) throws Exception {
        boolean neon = random.nextBoolean();
        int refused = neon ? 412 : 409;
        boolean free = model.children(node).stream().allMatch(child -> child.archived);
        Answer answer = neon
                ? ask("PUT", neon(node) + "/archival_config", Map.of("state", "Archived"))
                : ask("PUT", own(node) + "/archive", null);
        expect(answer, "archive " + node, free || node.archived ? 200 : refused, 200, refused);
        if (answer.status() == 200) {
            node.archived = true;
            node.leased.clear();
        }
    }

    private void unarchive(BranchModel.Node node) throws Exception {
        boolean neon = random.nextBoolean();
        int refused = neon ? 412 : 409;
        BranchModel.Node parent = node.parent;
        boolean free = parent == null || !parent.archived || !node.archived;
        Answer answer = neon
                ? ask("PUT", neon(node) + "/archival_config", Map.of("state", "Unarchived"))
                : ask("PUT", own(node) + "/unarchive", null);
        expect(answer, "unarchive " + node, free ? 200 : refused, 200, refused);
        if (answer.status() == 200) {
            node.archived = false;
        }
    }

    private void detach(BranchModel.Node node) throws Exception {
        Answer answer = ask("PUT", own(node) + "/detach", null);
        int expected = node.archived ? 409 : node.parent == null && !node.independent ? 400 : 200;
        expect(answer, "detach " + node, expected, 200, 400, 409);
        if (answer.status() == 200) {
            model.detached(node, BranchModel.names(answer.json().get("moved")));
        }
    }

    private void lease(BranchModel.Node node) throws Exception {
        long lsn = somewhere(node);
        boolean readable = !node.archived && isReadable(node, lsn);
        Answer answer = ask("POST", neon(node) + "/lsn_lease", Map.of("lsn", new Lsn(lsn).toString()));
        expect(answer, "lease " + new Lsn(lsn) + " of " + node, node.archived ? 409 : readable ? 200 : 400, 400);
        if (answer.status() == 200) {
            node.leased.add(lsn);
        }
    }

    private void upkeep(BranchModel.Node node, String what, @Nullable Object body) throws Exception {
        Answer answer = ask("PUT", own(node) + "/" + what, body);
        expect(answer, what + " of " + node, node.archived ? 409 : 200);
    }

    JsonNode list() throws Exception {
        return ask("GET", OWN, null).json().get("branches");
    }

    /** Reads a branch, which its client does not change meanwhile, where it says that it can be read. */
    void checkNumbers(BranchModel.Node node) throws Exception {
        JsonNode view = view(node);
        long from = Lsn.parse(view.get("readable_from").asString()).value();
        long to = Lsn.parse(view.get("last_record_lsn").asString()).value();
        checkNumber(node, from);
        checkNumber(node, to);
        for (long leased : node.leased) {
            checkNumber(node, leased);
        }
        for (int i = 0; i < 3; i++) {
            checkNumber(node, random.nextLong(from, to + 1));
        }
    }

    private void checkNumber(BranchModel.Node node, long lsn) throws Exception {
        String at = new Lsn(lsn).toString();
        Answer answer = ask("GET", neon(node) + "/getpage?key=" + SyntheticCluster.PAGE + "&lsn=" + at, null);
        assertThat(answer.status())
                .as("read of " + node + " at " + at + " after " + last + ": " + answer)
                .isEqualTo(200);
        assertThat(SyntheticCluster.number(answer.body()))
                .as(node + " at " + at + " after " + last)
                .isEqualTo(node.number(lsn));
    }
}
