package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.benchmarks.ManyLayers;
import dev.palimpsest.storage.RedoException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.timeline.EmbeddedStore;
import dev.palimpsest.storage.timeline.StoreSettings;
import dev.palimpsest.storage.timeline.Timeline;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The directory that the server's cache of classes is made with. */
final class ManyLayersTest {
    @TempDir
    Path directory;

    @Test
    void aStoreLoadsAllOfThem() throws Exception {
        ManyLayers.make(directory, 1234);
        RequestContext context = RequestContext.of(TaskKind.TOOL);
        try (EmbeddedStore store = EmbeddedStore.open(directory, StoreSettings.DEFAULT, (_, _, _, _, _, _) -> {
            throw new RedoException("nothing is read");
        })) {
            Timeline timeline = store.tenant(new TenantId(1, 1), context).timeline(new TimelineId(1, 1));
            assertThat(timeline.indexPart().layers()).hasSize(1234);
            assertThat(timeline.indexPart().state().extension()).contains("\"name\":\"many-layers\"");
        }
    }
}
