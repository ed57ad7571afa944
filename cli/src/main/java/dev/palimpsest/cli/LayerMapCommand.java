package dev.palimpsest.cli;

import dev.palimpsest.storage.layer.LayerMapDrawing;
import dev.palimpsest.storage.layer.LayerName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest layer map}: a picture of the layers in a directory. */
@Command(
        name = "map",
        mixinStandardHelpOptions = true,
        description = "Draw the layers below a directory: keys from left to right, LSNs from bottom to top, L0, L1 and "
                + "image layers in colours of their own. Only the names of the files are looked at.")
final class LayerMapCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "a timeline's directory")
    private Path directory = Path.of(".");

    @Option(names = "--svg", paramLabel = "FILE", required = true, description = "the SVG file to write")
    private Path svg = Path.of("layers.svg");

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        List<LayerName> names = LayerFiles.below(directory).stream()
                .map(file -> LayerFiles.name(file).name())
                .toList();
        if (names.isEmpty()) {
            spec.commandLine().getErr().println("palimpsest: there are no layer files below " + directory);
            return 1;
        }
        Files.writeString(
                svg,
                LayerMapDrawing.svg("Layers of " + directory.toAbsolutePath().getFileName(), names),
                StandardCharsets.UTF_8);
        spec.commandLine().getOut().printf("%d layers drawn to %s%n", names.size(), svg);
        return 0;
    }
}
