package dev.palimpsest.cli;

import dev.palimpsest.postgres.Lsn;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** Which WAL a command reads: what all of them are told in the same way. */
final class WalInput {
    @Parameters(paramLabel = "FILE|DIR", description = "a WAL segment (.partial too), or a directory of them")
    private Path path = Path.of(".");

    @Option(
            names = "--timeline",
            paramLabel = "N",
            converter = UnsignedConverter.class,
            description = "of a directory, the segments of this PostgreSQL timeline; the newest if not given")
    private @Nullable Integer timeline;

    @Option(
            names = "--start",
            paramLabel = "LSN",
            converter = LsnConverter.class,
            description = "the first record is the first one that begins here or later")
    private @Nullable Lsn start;

    @Option(
            names = "--end",
            paramLabel = "LSN",
            converter = LsnConverter.class,
            description = "the last record is the last one that ends here or earlier; it is an error if the WAL does "
                    + "not reach so far")
    private @Nullable Lsn end;

    WalFiles files() throws IOException {
        return WalFiles.at(path, timeline);
    }

    WalFileReader open(WalFiles files) {
        return new WalFileReader(files, start, end);
    }

    /** 0 at an ordinary end; 1, and a line on the error stream, where there should have been more. */
    static int exitCode(WalFileReader.End end, CommandSpec spec) {
        if (end.damaged()) {
            spec.commandLine().getErr().println("palimpsest: " + end.text());
            return 1;
        }
        return 0;
    }

    static final class LsnConverter implements ITypeConverter<Lsn> {
        @Override
        public Lsn convert(String text) {
            try {
                return Lsn.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
