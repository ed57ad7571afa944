package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.AttachProgress;
import java.io.PrintWriter;

/** Shows how far attaching got: a bar in one line of a terminal, or else a line for every step and every tenth of the backup. */
final class AttachDisplay {
    private static final int BAR = 30;
    private static final int PERCENT = 100;
    private static final int TENTH = 10;
    private static final String REDRAW = "\r\u001b[K";

    private final PrintWriter out;
    private final boolean terminal;
    private String step = "";
    private int tenths;
    private boolean drawn;

    AttachDisplay(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    synchronized void show(AttachProgress progress) {
        int percent = percent(progress);
        if (terminal) {
            draw(progress, percent);
        } else {
            if (!progress.step().equals(step)) {
                step = progress.step();
                out.println(step);
            }
            if (percent / TENTH > tenths) {
                tenths = percent / TENTH;
                out.println(amount(progress) + ", " + percent + " %");
            }
        }
        out.flush();
    }

    /** What is received of the backup; it grows while it is taken, so the estimate may be passed. */
    private static int percent(AttachProgress progress) {
        return progress.estimatedBytes() <= 0
                ? 0
                : (int) Math.min(PERCENT, progress.receivedBytes() * PERCENT / progress.estimatedBytes());
    }

    /** How far it is, in a line; why it failed, if it did. */
    static String line(AttachProgress progress) {
        if (progress.failure() != null) {
            return progress.failure() + ". Delete it with: palimpsest branch delete " + progress.branch();
        }
        return progress.step() + (progress.receivedBytes() > 0 ? ", " + amount(progress) : "");
    }

    private static String amount(AttachProgress progress) {
        return Display.bytes(progress.receivedBytes())
                + (progress.estimatedBytes() > 0 ? " of " + Display.bytes(progress.estimatedBytes()) : "");
    }

    private void draw(AttachProgress progress, int percent) {
        StringBuilder line = new StringBuilder(REDRAW);
        if (progress.receivedBytes() > 0) {
            int full = percent * BAR / PERCENT;
            line.append('[').repeat('#', full).repeat('-', BAR - full).append("] ");
            line.append(percent).append(" %  ").append(amount(progress)).append("  ");
        }
        out.print(line.append(progress.step()));
        drawn = true;
    }

    /** What is printed next begins on a line of its own. */
    synchronized void end() {
        if (drawn) {
            out.print(REDRAW);
            out.flush();
            drawn = false;
        }
    }
}
