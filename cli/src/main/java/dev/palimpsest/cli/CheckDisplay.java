package dev.palimpsest.cli;

import java.io.PrintWriter;

/** Tells on a terminal, in one line that is drawn again, how far a deep check is. Safe for use by many threads. */
final class CheckDisplay {
    private static final long REDRAW_NANOS = 200_000_000;
    private static final String REDRAW = "\r\u001b[K";

    private final PrintWriter out;
    private final boolean terminal;
    private long drawn = System.nanoTime() - REDRAW_NANOS;

    CheckDisplay(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** So many layers have been read, and so many bytes of them. */
    synchronized void show(long layers, long bytes) {
        long now = System.nanoTime();
        if (terminal && now - drawn >= REDRAW_NANOS) {
            drawn = now;
            out.print(REDRAW + Display.count(layers) + " layers read, " + Display.bytes(bytes));
            out.flush();
        }
    }

    /** What is printed next begins on a line of its own. */
    synchronized void end() {
        if (terminal) {
            out.print(REDRAW);
            out.flush();
        }
    }
}
