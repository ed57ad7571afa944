package dev.palimpsest.storage.layermap;

import dev.palimpsest.storage.layer.LayerExtent;
import java.util.List;

/**
 * Which persistent layers reads at the read points may need; each layer is in one of the lists. A hint for what to keep on
 * local disk: reads at other LSNs may need covered layers.
 *
 * @param visible what a read at a read point may need, newest first
 * @param covered what no read at a read point needs, newest first
 */
public record LayerVisibility<L extends LayerExtent>(List<L> visible, List<L> covered) {
    /** Copies the lists. */
    public LayerVisibility {
        visible = List.copyOf(visible);
        covered = List.copyOf(covered);
    }
}
