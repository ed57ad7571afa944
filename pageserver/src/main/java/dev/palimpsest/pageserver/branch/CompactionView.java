package dev.palimpsest.pageserver.branch;

import dev.palimpsest.storage.compaction.CompactionReport;
import java.time.Duration;

/**
 * What compaction of a branch did.
 *
 * @param l0LayersRead how many L0 layers were replaced
 * @param bytesRead their size
 * @param deltaLayersWritten by how many layers
 * @param deltaBytesWritten their size
 * @param imageLayersWritten how many image layers were made
 * @param imageBytesWritten their size
 * @param elapsed how long it took
 */
public record CompactionView(
        int l0LayersRead,
        long bytesRead,
        int deltaLayersWritten,
        long deltaBytesWritten,
        int imageLayersWritten,
        long imageBytesWritten,
        Duration elapsed) {
    /** Nothing done yet. */
    static final CompactionView NOTHING = new CompactionView(0, 0, 0, 0, 0, 0, Duration.ZERO);

    CompactionView withL0(CompactionReport report) {
        return new CompactionView(
                l0LayersRead + report.layersRead(),
                bytesRead + report.bytesRead(),
                deltaLayersWritten + report.layersWritten(),
                deltaBytesWritten + report.bytesWritten(),
                imageLayersWritten,
                imageBytesWritten,
                elapsed);
    }

    CompactionView withImages(CompactionReport report) {
        return new CompactionView(
                l0LayersRead,
                bytesRead,
                deltaLayersWritten,
                deltaBytesWritten,
                imageLayersWritten + report.layersWritten(),
                imageBytesWritten + report.bytesWritten(),
                elapsed);
    }

    CompactionView took(Duration time) {
        return new CompactionView(
                l0LayersRead,
                bytesRead,
                deltaLayersWritten,
                deltaBytesWritten,
                imageLayersWritten,
                imageBytesWritten,
                time);
    }
}
