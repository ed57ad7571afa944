package dev.palimpsest.storage.layer.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ChunksTest {
    @Test
    void indexesGoThroughTheChunksWithoutGap() {
        int chunk = 0;
        int offset = 0;
        int capacity = 0;
        for (int index = 0; index < 1 << 16; index++) {
            if (offset == Chunks.size(chunk)) {
                chunk++;
                offset = 0;
            }
            if (Chunks.chunk(index) != chunk || Chunks.offset(index) != offset) {
                assertThat(new int[] {Chunks.chunk(index), Chunks.offset(index)})
                        .as("index %d", index)
                        .containsExactly(chunk, offset);
            }
            if (offset++ == 0) {
                capacity += Chunks.size(chunk);
            }
            if (Chunks.capacityFor(index + 1) != capacity) {
                assertThat(Chunks.capacityFor(index + 1))
                        .as("%d elements", index + 1)
                        .isEqualTo(capacity);
            }
        }
    }

    @Test
    void theGreatestIndexHasAPlace() {
        assertThat(Chunks.chunk(Integer.MAX_VALUE)).isEqualTo(4 + 0x7FFFF);
        assertThat(Chunks.offset(Integer.MAX_VALUE)).isEqualTo(0xFFF);
    }

    @Test
    void chunksStartSmallAndStayBounded() {
        assertThat(Chunks.size(0)).isEqualTo(256);
        assertThat(Chunks.size(1)).isEqualTo(256);
        assertThat(Chunks.size(2)).isEqualTo(512);
        assertThat(Chunks.size(4)).isEqualTo(2048);
        assertThat(Chunks.size(5)).isEqualTo(4096);
        assertThat(Chunks.size(1000)).isEqualTo(4096);
    }
}
