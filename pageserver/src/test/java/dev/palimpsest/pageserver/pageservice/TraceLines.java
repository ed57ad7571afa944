package dev.palimpsest.pageserver.pageservice;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.spi.LoggingEventAware;

/** Keeps what is logged of where the time of requests went. */
@SuppressWarnings("serial") // nobody serialises it
public final class TraceLines extends LegacyAbstractLogger implements LoggingEventAware {
    final List<LoggingEvent> events = new CopyOnWriteArrayList<>();
    private final LinkedBlockingQueue<LoggingEvent> unseen = new LinkedBlockingQueue<>();

    /** The numbers of a line. */
    static Map<String, String> numbers(LoggingEvent line) {
        return line.getKeyValuePairs().stream()
                .collect(Collectors.toMap(pair -> pair.key, pair -> String.valueOf(pair.value)));
    }

    /** The numbers of the next line; waits for it, as a line may come after the reply. */
    public Map<String, String> next() throws InterruptedException {
        LoggingEvent line = unseen.poll(60, TimeUnit.SECONDS);
        if (line == null) {
            throw new AssertionError("no line comes");
        }
        return numbers(line);
    }

    @Override
    public void log(LoggingEvent event) {
        events.add(event);
        unseen.add(event);
    }

    @Override
    public boolean isTraceEnabled() {
        return false;
    }

    @Override
    public boolean isDebugEnabled() {
        return false;
    }

    @Override
    public boolean isInfoEnabled() {
        return true;
    }

    @Override
    public boolean isWarnEnabled() {
        return true;
    }

    @Override
    public boolean isErrorEnabled() {
        return true;
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            org.slf4j.event.Level level,
            @Nullable Marker marker,
            String message,
            Object @Nullable [] arguments,
            @Nullable Throwable failure) {
        throw new AssertionError("a line without numbers: " + message);
    }
}
