package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What a server's branches are, if it does what it says. Safe for use by many threads. */
final class BranchModel {
    static final String ROOT = "root";

    /** A branch. What is not final is changed only by the client that made it, except by {@link #detached}. */
    static final class Node {
        final String name;
        final String timeline;
        final int owner;
        final long branchedAt;
        /** The number that its page holds from an LSN on; what it shares with others too. */
        final NavigableMap<Long, Long> numbers;

        final Set<Long> leased = new ConcurrentSkipListSet<>();
        volatile @Nullable Node parent;
        volatile boolean archived;
        /** Whether it was made independent, which can be asked for again. */
        volatile boolean independent;

        volatile boolean deleted;

        Node(String name, String timeline, int owner, @Nullable Node parent, long branchedAt, Map<Long, Long> numbers) {
            this.name = name;
            this.timeline = timeline;
            this.owner = owner;
            this.parent = parent;
            this.branchedAt = branchedAt;
            this.numbers = new ConcurrentSkipListMap<>(numbers);
        }

        long number(long lsn) {
            return Objects.requireNonNull(numbers.floorEntry(lsn)).getValue();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private final Map<String, Node> nodes = new ConcurrentHashMap<>();

    BranchModel() {
        Node root = new Node(
                ROOT, "00000000000000000000000000000001", 0, null, 0, Map.of(SyntheticCluster.BEGIN.value(), 0L));
        nodes.put(ROOT, root);
    }

    /** All that were ever made. */
    List<Node> all() {
        return nodes.values().stream()
                .sorted((one, other) -> one.name.compareTo(other.name))
                .toList();
    }

    /** All that are there. */
    List<Node> present() {
        return all().stream().filter(node -> !node.deleted).toList();
    }

    /** The server was started again, and knows no leases any more. */
    void restarted() {
        nodes.values().forEach(node -> node.leased.clear());
    }

    int made() {
        return nodes.size() - 1;
    }

    void add(Node node) {
        nodes.put(node.name, node);
    }

    Node node(String name) {
        return Objects.requireNonNull(nodes.get(name), () -> "nobody made a branch " + name);
    }

    List<Node> children(Node of) {
        return present().stream().filter(node -> node.parent == of).toList();
    }

    /** A node has no parent any more, and these come from it now. Some may be known only a moment later. */
    void detached(Node node, List<String> moved) {
        node.parent = null;
        node.independent = true;
        for (String name : moved) {
            Node child = nodes.get(name);
            if (child != null) {
                child.parent = node;
            }
        }
    }

    /**
     * Holds everything against it; nobody else changes anything meanwhile.
     *
     * @param exact whether it must have the parents that are known; else it tells which they are
     */
    void checkAll(BranchClient client, boolean exact) throws Exception {
        Set<String> there = new TreeSet<>();
        for (JsonNode branch : client.list()) {
            String name = branch.get("name").asString();
            Node node = node(name);
            there.add(name);
            assertThat(branch.get("phase").asString())
                    .as("phase of " + name)
                    .isEqualTo(node.archived ? "archived" : "ready");
            JsonNode told = branch.get("parent");
            if (!exact) {
                node.parent = told.isNull() ? null : node(told.asString());
            }
            Node parent = node.parent;
            assertThat(told.isNull() ? null : told.asString())
                    .as("parent of " + name)
                    .isEqualTo(parent == null ? null : parent.name);
            assertThat(parent == null || !parent.deleted)
                    .as("parent of " + name + " is there")
                    .isTrue();
            assertThat(node.archived || parent == null || !parent.archived)
                    .as("parent of " + name + " is at work")
                    .isTrue();
        }
        assertThat(there)
                .containsExactlyElementsOf(
                        present().stream().map(node -> node.name).toList());
        for (Node node : present()) {
            if (!node.archived) {
                client.checkNumbers(node);
            }
        }
    }

    /** What can be told of branches by their names. */
    static List<String> names(JsonNode array) {
        List<String> names = new ArrayList<>();
        array.forEach(name -> names.add(name.asString()));
        return names;
    }
}
