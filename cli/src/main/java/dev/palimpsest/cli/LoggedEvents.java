package dev.palimpsest.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts the lines of the log by level, under Neon's name, so that somebody notices them. Safe for use by many threads. */
final class LoggedEvents extends AppenderBase<ILoggingEvent> {
    private final CounterDataPoint errors;
    private final CounterDataPoint warnings;
    private final CounterDataPoint others;

    private LoggedEvents(PrometheusRegistry registry) {
        Counter counter = Counter.builder()
                .name("libmetrics_tracing_event_count")
                .help("Lines of the log, by level; info is that and below.")
                .labelNames("level")
                .register(registry);
        errors = counter.labelValues("error");
        warnings = counter.labelValues("warn");
        others = counter.labelValues("info");
    }

    /** Counts from now on. */
    static void count(PrometheusRegistry registry) {
        LoggedEvents events = new LoggedEvents(registry);
        if (LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) instanceof ch.qos.logback.classic.Logger root) {
            events.setContext(root.getLoggerContext());
            events.start();
            root.addAppender(events);
        }
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (event.getLevel().isGreaterOrEqual(Level.ERROR)) {
            errors.inc();
        } else if (event.getLevel().isGreaterOrEqual(Level.WARN)) {
            warnings.inc();
        } else {
            others.inc();
        }
    }
}
