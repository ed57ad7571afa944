package dev.palimpsest.cli;

import dev.palimpsest.storage.StorageException;
import java.io.IOException;

/** What a person is told when a command fails: a line for what was foreseen, all of it for what was not. */
final class Failures {
    private Failures() {}

    static String describe(Exception failure) {
        if (failure instanceof StorageException
                || failure instanceof ServerFailure
                || failure instanceof IllegalArgumentException) {
            return String.valueOf(failure.getMessage());
        }
        if (failure.getClass() == IOException.class) {
            return String.valueOf(failure.getMessage());
        }
        if (failure instanceof IOException) {
            return failure.getClass().getSimpleName() + ": " + failure.getMessage();
        }
        StringBuilder trace = new StringBuilder("this is a bug: ").append(failure);
        for (StackTraceElement element : failure.getStackTrace()) {
            trace.append(System.lineSeparator()).append("    at ").append(element);
        }
        return trace.toString();
    }
}
