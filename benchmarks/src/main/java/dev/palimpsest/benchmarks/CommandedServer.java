package dev.palimpsest.benchmarks;

import dev.palimpsest.pageserver.Server;
import dev.palimpsest.pageserver.ServerOptions;
import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.Branches;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The program of a {@link ServerProcess}: a server that does what lines of its standard input say, one after the other, and ends
 * with it. Words are separated by tabs; each line is answered by one that begins with {@link #DONE}, or has the reason why not.
 */
final class CommandedServer {
    static final String SEPARATOR = "\t";
    static final String DONE = "done ";
    static final String ATTACH = "attach";
    static final String AWAIT = "await";
    static final String FLUSH = "flush";

    private CommandedServer() {}

    /**
     * Serves.
     *
     * @param arguments the server's directory, and that of PostgreSQL's programs
     */
    public static void main(String[] arguments) throws IOException, StorageException {
        PrintStream answers = System.out;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                Server server =
                        Server.open(new ServerOptions(Path.of(arguments[0]), "127.0.0.1", 0, Path.of(arguments[1])))) {
            answers.println(DONE);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                answers.println(answer(server.branches(), line.split(SEPARATOR)));
            }
        }
    }

    private static String answer(Branches branches, String[] words) {
        try {
            switch (words[0]) {
                case ATTACH -> Live.attach(branches, words[1], words[2]);
                case AWAIT -> Live.await(branches, words[1], Lsn.parse(words[2]));
                case FLUSH -> {
                    branches.upkeep().flush(words[1]);
                    BranchView view = branches.view(words[1]);
                    return DONE + view.layers() + SEPARATOR + view.layerBytes();
                }
                default -> throw new IllegalArgumentException("there is no command " + words[0]);
            }
            return DONE;
        } catch (BranchException e) {
            return String.valueOf(e.getMessage()).replace('\n', ' ');
        }
    }
}
