package dev.palimpsest.storage.jobs;

import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.runtime.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is remembered of one kind of background job, for each timeline: whether somebody is at it, and how it fares. A timeline
 * on which the job fails has a pause that grows with each failure in a row, and from the
 * {@value JobState#FAILURES_TO_BREAK}th on counts as broken; it is still tried, and one success ends that.
 *
 * <p>Safe for use by many threads; never waits.
 */
public final class JobTracks {
    private static final Logger LOG = LoggerFactory.getLogger(JobTracks.class);

    private static final class Track {
        boolean busy;
        JobState state = JobState.WELL;
        long notBeforeNanos = Long.MIN_VALUE;
    }

    private final String job;
    private final Clock clock;
    private final JobPauses pauses;
    private final Map<TimelineId, Track> tracks = new ConcurrentHashMap<>();

    /** @param job what it is, for the log */
    public JobTracks(String job, Clock clock, JobPauses pauses) {
        this.job = job;
        this.clock = clock;
        this.pauses = pauses;
    }

    /** How the job fares on timelines, of which that is known. */
    public Map<TimelineId, JobState> states() {
        Map<TimelineId, JobState> states = new TreeMap<>();
        tracks.forEach((id, track) -> {
            synchronized (track) {
                states.put(id, track.state);
            }
        });
        return states;
    }

    /** How the job fares on a timeline; well, as long as nothing else is known. */
    public JobState state(TimelineId id) {
        Track track = tracks.get(id);
        if (track == null) {
            return JobState.WELL;
        }
        synchronized (track) {
            return track.state;
        }
    }

    /** On how many timelines it counts as broken. */
    public long broken() {
        return tracks.keySet().stream().filter(this::isBroken).count();
    }

    /** Whether it keeps failing on this timeline. */
    public boolean isBroken(TimelineId id) {
        return state(id).broken();
    }

    /** Whether somebody could begin with it now: nobody is at it, and it need not wait. */
    public boolean isFree(TimelineId id) {
        Track track = tracks.get(id);
        if (track == null) {
            return true;
        }
        synchronized (track) {
            return !track.busy && clock.nanos() >= track.notBeforeNanos;
        }
    }

    /** Begins with it; false if somebody is at it. Ends with exactly one of the calls below. */
    public boolean begin(TimelineId id) {
        Track track = track(id);
        synchronized (track) {
            boolean free = !track.busy;
            track.busy = true;
            return free;
        }
    }

    /** It was broken off, which says nothing about how it fares. */
    public void cancelled(TimelineId id) {
        Track track = track(id);
        synchronized (track) {
            track.busy = false;
        }
    }

    /** It was done. */
    public void succeeded(TimelineId id) {
        Track track = track(id);
        synchronized (track) {
            track.busy = false;
            track.state = JobState.WELL;
            track.notBeforeNanos = Long.MIN_VALUE;
        }
    }

    /** It was done, and is not to be begun again for a while. */
    public void succeeded(TimelineId id, Duration pause) {
        Track track = track(id);
        synchronized (track) {
            track.busy = false;
            track.state = JobState.WELL;
            track.notBeforeNanos = clock.nanos() + pause.toNanos();
        }
    }

    /** It failed; logs that. */
    public void failed(TimelineId id, Exception reason) {
        Track track = track(id);
        long pause;
        JobState state;
        synchronized (track) {
            track.busy = false;
            track.state = track.state.failed(String.valueOf(reason.getMessage()));
            state = track.state;
            pause = pauses.nanosAfter(state.failures());
            track.notBeforeNanos = clock.nanos() + pause;
        }
        LOG.warn(
                "{} of timeline {} has failed {} times in a row{}, and is tried again in {} ms",
                job,
                id,
                state.failures(),
                state.broken() ? " and counts as broken" : "",
                pause / 1_000_000,
                reason);
    }

    /** Forgets timelines that are not there any more. */
    public void forgetAllBut(Set<TimelineId> known) {
        tracks.keySet().removeIf(id -> !known.contains(id));
    }

    private Track track(TimelineId id) {
        return tracks.computeIfAbsent(id, _ -> new Track());
    }
}
