package dev.palimpsest.storage.simulation;

import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Runs each test method of a class as the script of a simulation, so that a contract written for the real thing holds the
 * simulated one to it. Registered by {@code @RegisterExtension} on an instance field.
 */
public final class InSimulation implements InvocationInterceptor {
    private final Simulation simulation;

    /** A new simulation for each test. */
    public InSimulation(long seed) {
        this.simulation = new Simulation(seed);
    }

    /** The simulation that the test method runs in. */
    public Simulation simulation() {
        return simulation;
    }

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        run(invocation);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        run(invocation);
    }

    private void run(Invocation<@Nullable Void> invocation) throws Exception {
        simulation.run(() -> {
            try {
                invocation.proceed();
            } catch (Exception | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
