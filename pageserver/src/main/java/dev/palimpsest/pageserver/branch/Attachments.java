package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.files.PrivateFiles;
import dev.palimpsest.pageserver.upstream.ConnectionSettings;
import dev.palimpsest.storage.context.RequestContext;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is being attached, was, or failed to be. Safe for use by many threads; those that change something take turns. */
final class Attachments {
    private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);
    private static final long PATIENCE_MILLIS = 10_000;

    private final Sources sources;
    private final Attachment.Target target;
    private final PrivateFiles intents;
    private final RequestContext context;
    private final java.time.Clock clock;
    private final Map<String, Running> all = new ConcurrentSkipListMap<>();

    private record Running(Attachment attachment, @Nullable Thread thread) {}

    Attachments(
            Sources sources,
            Attachment.Target target,
            PrivateFiles intents,
            RequestContext context,
            java.time.Clock clock) {
        this.sources = sources;
        this.target = target;
        this.intents = intents;
        this.context = context;
        this.clock = clock;
    }

    /** Whether the branch was to be attached when the server ended, and is again now. */
    boolean isIntended(String name) {
        return intents.names().contains(name);
    }

    /** Begins anew with what was cut short; {@code taken} are the branches that are there as a whole. */
    synchronized void resume(java.util.Set<String> taken) {
        for (String name : intents.names()) {
            AttachIntent intent = AttachIntent.decode(intents.read(name));
            if (intent == null || taken.contains(name)) {
                LOG.info("what is known of attaching {} is no more of use", name);
                intents.delete(name);
                continue;
            }
            try {
                ConnectionSettings settings = sources.settings(intent.connection());
                if (intent.failure() == null) {
                    LOG.info("attaching {} was cut short, and begins anew", name);
                }
                run(intent, settings, List.of());
            } catch (BranchException e) {
                LOG.warn("{} cannot be attached any more: {}", name, e.getMessage());
            }
        }
    }

    /** Begins to attach; another attempt of the same name has ended. */
    synchronized AttachProgress begin(
            String name, String connection, ConnectionSettings settings, String slot, List<String> warnings) {
        AttachIntent before = AttachIntent.decode(intents.read(name));
        boolean slotIsOurs =
                before != null && before.slotMade() && before.slot().equals(slot);
        AttachIntent intent = new AttachIntent(name, connection, slot, slotIsOurs, null);
        intents.write(name, intent.encode());
        return run(intent, settings, warnings).progress();
    }

    private Attachment run(AttachIntent intent, ConnectionSettings settings, List<String> warnings) {
        Attachment attachment = new Attachment(intent, settings, warnings, target, intents, context, clock);
        Thread thread = intent.failure() != null
                ? null
                : Thread.ofPlatform().name("attach " + intent.name()).start(attachment);
        all.put(intent.name(), new Running(attachment, thread));
        return attachment;
    }

    /** How far it got; null if there was nothing of the kind since the server began. */
    @Nullable
    AttachProgress progress(String name) {
        Running running = all.get(name);
        return running == null ? null : running.attachment.progress();
    }

    /** Whether it goes on. */
    boolean isRunning(String name) {
        Running running = all.get(name);
        return running != null
                && !running.attachment.isTaken()
                && running.attachment.progress().failure() == null;
    }

    /** What goes on, and what failed and was not deleted since. */
    List<AttachProgress> unfinished() {
        return all.values().stream()
                .map(Running::attachment)
                .filter(attachment -> !attachment.isTaken())
                .map(Attachment::progress)
                .toList();
    }

    /**
     * Ends it and undoes what there is of it.
     *
     * @return what was left undone, for people; null if there is nothing to end: it was taken in, or is not known
     */
    synchronized @Nullable List<String> cancel(String name) throws BranchException {
        Running running = all.get(name);
        if (running == null || running.attachment.isTaken()) {
            all.remove(name);
            return null;
        }
        running.attachment.stop();
        if (!hasEnded(running)) {
            throw new BranchException(
                    BranchException.Kind.UNAVAILABLE, "attaching " + name + " is ending, but has not yet: try again");
        }
        all.remove(name);
        return running.attachment.isTaken() ? null : running.attachment.giveUp();
    }

    private static boolean hasEnded(Running running) {
        if (running.thread == null) {
            return true;
        }
        try {
            running.thread.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !running.thread.isAlive();
    }

    /** Ends all of them as they stand; they begin anew when the server does. */
    synchronized void close() {
        all.values().forEach(running -> running.attachment.stop());
        all.values().forEach(Attachments::hasEnded);
    }
}
