package dev.palimpsest.cli;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The terminal that a command was started in, with keys that come at once and are not shown, until it is closed. What that was
 * like before is as {@code stty} says, and is so again afterwards, even if the process is ended by a signal.
 */
final class Terminal implements AutoCloseable {
    private static final File DEVICE = new File("/dev/tty");
    private static final Pattern SIZE = Pattern.compile("(\\d+) (\\d+)");
    private static final Size USUAL = new Size(24, 80);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final int SECONDS_FOR_STTY = 5;
    private static final String OTHER_SCREEN = "\u001b[?1049h\u001b[?25l";
    private static final String OWN_SCREEN = "\u001b[?25h\u001b[?1049l";

    private final PrintWriter out;
    private final String before;
    private final InputStream keys;
    private final Thread restoring = Thread.ofPlatform().unstarted(this::restore);

    /** How large it is. */
    record Size(int rows, int columns) {}

    private Terminal(PrintWriter out, String before, InputStream keys) {
        this.out = out;
        this.before = before;
        this.keys = keys;
    }

    /**
     * @param out what is shown in it
     * @throws ServerFailure if there is no terminal
     */
    static Terminal open(PrintWriter out) throws IOException, ServerFailure, InterruptedException {
        String before;
        try {
            before = stty("-g");
        } catch (IOException e) {
            throw new ServerFailure("there is no terminal to show this in; --once shows it without", e);
        }
        Terminal terminal = new Terminal(out, before, new FileInputStream(DEVICE));
        Runtime.getRuntime().addShutdownHook(terminal.restoring);
        stty("-icanon", "-echo", "min", "0", "time", "0");
        terminal.print(OTHER_SCREEN);
        return terminal;
    }

    private static String stty(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = "stty";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        if (!DEVICE.canRead()) {
            throw new IOException("there is no " + DEVICE);
        }
        Process process = new ProcessBuilder(command).redirectInput(DEVICE).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
        if (!process.waitFor(Duration.ofSeconds(SECONDS_FOR_STTY)) || process.exitValue() != 0) {
            throw new IOException("stty " + String.join(" ", arguments) + " failed");
        }
        return said;
    }

    private void print(String sequence) {
        out.print(sequence);
        out.flush();
    }

    /** Now: it may have changed. */
    Size size() throws InterruptedException {
        try {
            Matcher matcher = SIZE.matcher(stty("size"));
            if (matcher.matches() && !matcher.group(1).equals("0")) {
                return new Size(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
            }
        } catch (IOException e) {
            return USUAL;
        }
        return USUAL;
    }

    /** Waits so long for a key; whether it was pressed. Others are passed over. */
    boolean awaitKey(char key, Duration time) throws IOException, InterruptedException {
        long until = System.nanoTime() + time.toNanos();
        do {
            for (int pressed = keys.read(); pressed >= 0; pressed = keys.read()) {
                if (pressed == key) {
                    return true;
                }
            }
            Thread.sleep(LOOK);
        } while (System.nanoTime() - until < 0);
        return false;
    }

    private void restore() {
        print(OWN_SCREEN);
        try {
            stty(before);
        } catch (IOException e) {
            print("palimpsest: the terminal may be odd now; stty sane makes it as usual" + System.lineSeparator());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(restoring);
            restore();
        } catch (IllegalStateException e) {
            // The process is ending: the hook does it.
        } finally {
            keys.close();
        }
    }
}
