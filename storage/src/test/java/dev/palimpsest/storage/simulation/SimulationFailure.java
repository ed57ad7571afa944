package dev.palimpsest.storage.simulation;

/** A simulation that cannot go on: nobody can run, or it took too long. The message says where each task stands. */
public final class SimulationFailure extends AssertionError {
    private static final long serialVersionUID = 1L;

    SimulationFailure(String message) {
        super(message);
    }
}
