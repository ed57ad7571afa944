package dev.palimpsest.cli;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.layer.file.LayerIo;
import dev.palimpsest.storage.layer.file.LayerReport;
import dev.palimpsest.storage.layer.verify.LayerVerifier;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest layer verify}: walks everything in a layer file. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = "Walk every index node and every value of a layer file, or of all layer files below a directory, "
                + "and compare every block with its checksum. Exit code 1 and a line FILE:OFFSET for each damage.")
final class LayerVerifyCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE|DIR", description = "a layer file, or a directory of them")
    private Path path = Path.of(".");

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, StorageException {
        PrintWriter out = spec.commandLine().getOut();
        List<Path> files = LayerFiles.below(path);
        LayerIo io = LayerFiles.io();
        LayerVerifier verifier = new LayerVerifier(io);
        long values = 0;
        int damaged = 0;
        int unprotected = 0;
        for (Path file : files) {
            LayerReport report;
            try {
                report = verifier.verify(file, null, LayerFiles.context());
            } catch (CorruptionException e) {
                damaged++;
                out.println(e.getMessage());
                continue;
            }
            values += report.values();
            unprotected += report.protection() == LayerReport.Protection.NONE ? 1 : 0;
            if (!report.isSound()) {
                damaged++;
                report.damage().forEach(damage -> out.println(damage.getMessage()));
            }
        }
        out.printf("%d layer files, %d values, %d files damaged%n", files.size(), values, damaged);
        if (unprotected > 0) {
            out.printf(
                    "%d files have no checksums, as Neon writes them: a value changed in place is not found there%n",
                    unprotected);
        }
        out.flush();
        return damaged == 0 ? 0 : 1;
    }
}
