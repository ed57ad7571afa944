package dev.palimpsest.storage.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.TenantId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TenantQueueTest {
    private static TenantId tenant(int number) {
        return new TenantId(1, number);
    }

    @Test
    void tenantsHaveTheirTurnsAndEachServesItsOwnAsTheyCame() {
        TenantQueue<String> queue = new TenantQueue<>();
        for (String item : List.of("1a", "1b", "1c", "2a", "3a", "3b")) {
            queue.add(tenant(item.charAt(0) - '0'), item);
        }
        assertThat(queue.inOrder()).containsExactly("1a", "2a", "3a", "1b", "3b", "1c");
        assertThat(queue.poll()).isEqualTo("1a");
        queue.add(tenant(2), "2b");
        queue.add(tenant(4), "4a");
        assertThat(queue.inOrder()).containsExactly("2a", "3a", "1b", "4a", "2b", "3b", "1c");
        assertThat(queue.remove(tenant(3), "3a")).isTrue();
        assertThat(queue.remove(tenant(3), "3a")).isFalse();
        assertThat(queue.remove(tenant(5), "5a")).isFalse();
        assertThat(queue.inOrder()).containsExactly("2a", "3b", "1b", "4a", "2b", "1c");
        assertThatThrownBy(() -> queue.add(tenant(1), "1c")).isInstanceOf(IllegalArgumentException.class);
        assertThat(queue.size()).isEqualTo(6);
    }

    /** What the class says, in the simplest way: by when each tenant had its turn, and when each item came. */
    private static final class Model {
        record Item(int tenant, int number) {}

        final List<Item> items = new ArrayList<>();
        final Map<Integer, Integer> places = new HashMap<>();
        int clock;

        void add(Item item) {
            if (items.stream().noneMatch(other -> other.tenant() == item.tenant())) {
                places.put(item.tenant(), clock++);
            }
            items.add(item);
        }

        Optional<Item> peek() {
            return items.stream()
                    .min(Comparator.comparing((Item item) -> places.get(item.tenant()))
                            .thenComparingInt(Item::number));
        }

        Optional<Item> poll() {
            Optional<Item> next = peek();
            next.ifPresent(item -> {
                items.remove(item);
                places.put(item.tenant(), clock++);
            });
            return next;
        }
    }

    @Test
    void itDoesWhatTheModelDoes() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            int tenants = 1 + random.nextInt(6);
            int growth = 30 + random.nextInt(40);
            Model model = new Model();
            TenantQueue<Model.Item> queue = new TenantQueue<>();
            for (int step = 0; step < 300; step++) {
                int chance = random.nextInt(100);
                if (chance < growth) {
                    Model.Item item = new Model.Item(random.nextInt(tenants), step);
                    model.add(item);
                    queue.add(tenant(item.tenant()), item);
                } else if (chance < 80 || model.items.isEmpty()) {
                    assertThat(Optional.ofNullable(queue.peek()))
                            .as("seed %d, step %d", seed, step)
                            .isEqualTo(model.peek());
                    assertThat(Optional.ofNullable(queue.poll()))
                            .as("seed %d, step %d", seed, step)
                            .isEqualTo(model.poll());
                } else {
                    Model.Item item = model.items.remove(random.nextInt(model.items.size()));
                    assertThat(queue.remove(tenant(item.tenant()), item)).isTrue();
                }
                assertThat(queue.size()).as("seed %d, step %d", seed, step).isEqualTo(model.items.size());
                assertThat(queue.isEmpty()).isEqualTo(model.items.isEmpty());
            }
            List<Model.Item> order = queue.inOrder();
            for (Model.Item item : order) {
                assertThat(queue.poll()).as("seed %d", seed).isEqualTo(item);
                assertThat(model.poll()).as("seed %d", seed).contains(item);
            }
            assertThat(queue.poll()).as("seed %d", seed).isNull();
        }
    }

    /** Whoever comes is behind one of each other tenant for each of its own before it, and no more. */
    @Test
    void nobodyWaitsForMoreThanOneOfEachOtherTenantInATurn() {
        for (long seed = 1; seed <= 100; seed++) {
            Random random = new Random(seed);
            TenantQueue<Model.Item> queue = new TenantQueue<>();
            int others = 1 + random.nextInt(5);
            int number = 0;
            for (int i = 0; i < others * 20; i++) {
                int of = 1 + random.nextInt(others);
                queue.add(tenant(of), new Model.Item(of, number++));
            }
            int own = 1 + random.nextInt(4);
            Model.Item last = new Model.Item(0, 0);
            for (int i = 0; i < own; i++) {
                last = new Model.Item(0, number++);
                queue.add(tenant(0), last);
            }
            int before = 0;
            while (!last.equals(queue.poll())) {
                before++;
                int of = 1 + random.nextInt(others);
                queue.add(tenant(of), new Model.Item(of, number++));
            }
            assertThat(before).as("seed %d", seed).isLessThanOrEqualTo(own * others + own - 1);
        }
    }
}
