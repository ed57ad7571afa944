package dev.palimpsest.storage.simulation;

/**
 * Ends a task of a process that has died. Every call out of a dead process throws it, also from {@code finally} blocks, so
 * that nothing a task does while it unwinds has an effect. Code under test must not catch it to go on.
 */
public final class ProcessDeath extends Error {
    private static final long serialVersionUID = 1L;

    ProcessDeath() {
        super("the simulated process has died", null, false, false);
    }
}
