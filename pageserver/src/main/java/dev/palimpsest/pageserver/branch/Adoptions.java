package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.retention.RetentionOverride;
import dev.palimpsest.storage.context.RequestContext;
import dev.palimpsest.storage.context.TaskKind;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is being adopted, and how the last ones ended. Safe for use by many threads. */
final class Adoptions {
    private static final int KEPT = 64;

    private final Attachment.Target target;
    private final java.time.Clock clock;
    private final Cancellation cancellation = new Cancellation();
    private final Map<String, Adoption> all = new LinkedHashMap<>();

    Adoptions(Attachment.Target target, java.time.Clock clock) {
        this.target = target;
        this.clock = clock;
    }

    /** Takes the name; the caller has seen that it is free. */
    synchronized Adoption begin(String name, Moment to, RetentionOverride retention) {
        RequestContext context = new RequestContext(TaskKind.INGEST, Clock.NEVER, cancellation);
        Adoption adoption = new Adoption(name, to, retention, target, context, clock);
        all.remove(name);
        all.put(name, adoption);
        if (all.size() > KEPT) {
            all.values().stream().filter(each -> !each.isRunning()).findFirst().ifPresent(all.values()::remove);
        }
        return adoption;
    }

    /** Runs what was begun. */
    AttachProgress run(Adoption adoption, InputStream archive) throws BranchException {
        adoption.run(archive);
        return adoption.progress();
    }

    synchronized boolean isRunning(String name) {
        Adoption adoption = all.get(name);
        return adoption != null && adoption.isRunning();
    }

    void refuseIfRunning(String name) throws BranchException {
        if (isRunning(name)) {
            throw new BranchException(
                    BranchException.Kind.CONFLICT,
                    "branch " + name + " is being adopted: interrupt the command that does it, and nothing is left");
        }
    }

    /** How far it is, or how it ended; null if there was nothing of the kind. */
    synchronized @Nullable AttachProgress progress(String name) {
        Adoption adoption = all.get(name);
        return adoption == null ? null : adoption.progress();
    }

    /** What goes on. */
    synchronized List<AttachProgress> running() {
        return all.values().stream()
                .filter(Adoption::isRunning)
                .map(Adoption::progress)
                .toList();
    }

    /** Lets all of them fail soon; what they leave behind by then goes when the server starts. */
    void close() {
        cancellation.cancel();
    }
}
