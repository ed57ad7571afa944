package dev.palimpsest.cli;

import java.io.PrintWriter;

/** Tells how far a restore is: on a terminal in one line that is drawn again, elsewhere in a line for each tenth. */
final class RestoreDisplay {
    private static final int PERCENT = 100;
    private static final int TENTH = 10;
    private static final double NANOS = 1e9;
    private static final long REDRAW_NANOS = 200_000_000;
    private static final String REDRAW = "\r\u001b[K";

    private final PrintWriter out;
    private final boolean terminal;
    private final long total;
    private final long began = System.nanoTime();
    private long drawn;
    private int tenths;

    /** @param total about how many bytes come; 0 if that is not known */
    RestoreDisplay(PrintWriter out, boolean terminal, long total) {
        this.out = out;
        this.terminal = terminal;
        this.total = total;
    }

    /** @param bytes how many have come */
    void show(long bytes) {
        long now = System.nanoTime();
        int percent = total <= 0 ? 0 : (int) Math.min(PERCENT, bytes * PERCENT / total);
        if (terminal) {
            if (now - drawn >= REDRAW_NANOS) {
                drawn = now;
                out.print(REDRAW + line(bytes, percent, now));
                out.flush();
            }
        } else if (percent / TENTH > tenths) {
            tenths = percent / TENTH;
            out.println(line(bytes, percent, now));
            out.flush();
        }
    }

    private String line(long bytes, int percent, long now) {
        double seconds = Math.max(1, now - began) / NANOS;
        return Display.bytes(bytes)
                + (total > 0 ? " of " + Display.bytes(Math.max(total, bytes)) + ", " + percent + " %" : "")
                + ", " + Display.bytes((long) (bytes / seconds)) + "/s";
    }

    /** All has come, and is being made durable. */
    void syncing() {
        if (terminal) {
            out.print(REDRAW + "making it durable");
        } else {
            out.println("making it durable");
        }
        out.flush();
    }

    /** What is printed next begins on a line of its own. */
    void end() {
        if (terminal) {
            out.print(REDRAW);
            out.flush();
        }
    }
}
