package dev.palimpsest.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code palimpsest} command. Exit codes: 0 done, 1 it found or met something wrong, 2 it was asked wrongly. */
@Command(
        name = "palimpsest",
        mixinStandardHelpOptions = true,
        version = "palimpsest 0.1.0",
        description = "A storage engine for PostgreSQL: every version of every page, branches in a moment.")
public final class Palimpsest implements Runnable {
    static final String MISSING_COMMAND = "Missing a command";

    private static final List<Map.Entry<String, Class<?>>> COMMANDS = List.of(
            Map.entry("server", ServerCommand.class),
            Map.entry("attach", AttachCommand.class),
            Map.entry("adopt", AdoptCommand.class),
            Map.entry("reload", ReloadCommand.class),
            Map.entry("status", StatusCommand.class),
            Map.entry("top", TopCommand.class),
            Map.entry("branch", BranchCommand.class),
            Map.entry("tenant", TenantCommand.class),
            Map.entry("lsn", LsnCommand.class),
            Map.entry("flush", FlushCommand.class),
            Map.entry("compact", CompactCommand.class),
            Map.entry("gc", GcCommand.class),
            Map.entry("restore", RestoreCommand.class),
            Map.entry("page", PageCommand.class),
            Map.entry("verify", VerifyCommand.class),
            Map.entry("endpoint", EndpointCommand.class),
            Map.entry("demo", DemoCommand.class),
            Map.entry("storage", StorageCommand.class),
            Map.entry("layer", LayerCommand.class),
            Map.entry("wal", WalCommand.class),
            Map.entry("bench", BenchCommand.class));

    /** What is answered without any of them. */
    private static final Set<String> ABOUT_ITSELF = Set.of("--help", "-h", "--version", "-V");

    @Spec
    private CommandSpec spec;

    private Palimpsest() {}

    /** Runs the command that the arguments name, and exits with its code. */
    public static void main(String[] arguments) {
        // Not System.out, which would keep it from the commands that nobody reads any more.
        PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), true, System.out.charset());
        System.exit(commandLine(arguments).setOut(out).execute(arguments));
    }

    /**
     * Knows only the command that is asked for, if it is one, and of all others no more than help says: to make them all takes
     * longer than to run a short one.
     */
    static CommandLine commandLine(String... arguments) {
        CommandLine commandLine = new CommandLine(new Palimpsest());
        if (arguments.length == 1 && ABOUT_ITSELF.contains(arguments[0])) {
            COMMANDS.forEach(command -> commandLine.addSubcommand(command.getKey(), outline(command.getValue())));
            return commandLine;
        }
        boolean known = arguments.length > 0
                && COMMANDS.stream().anyMatch(command -> command.getKey().equals(arguments[0]));
        for (Map.Entry<String, Class<?>> command : COMMANDS) {
            if (!known || command.getKey().equals(arguments[0])) {
                commandLine.addSubcommand(command.getKey(), command.getValue());
            }
        }
        return commandLine
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr().println("palimpsest: " + Failures.describe(failure));
                    return 1;
                });
    }

    /** A command without its options. */
    private static CommandSpec outline(Class<?> command) {
        Command described = Objects.requireNonNull(command.getAnnotation(Command.class));
        CommandSpec outline = CommandSpec.create().name(described.name());
        outline.usageMessage().description(described.description());
        return outline;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), MISSING_COMMAND);
    }
}
