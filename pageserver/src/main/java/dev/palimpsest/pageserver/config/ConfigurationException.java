package dev.palimpsest.pageserver.config;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** A configuration makes no sense. The message has all that is wrong, a line each. */
public final class ConfigurationException extends IOException {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    /** @param problems at least one */
    public ConfigurationException(List<Problem> problems) {
        super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** All that is wrong, in the order of the file. */
    public List<Problem> problems() {
        return problems;
    }
}
