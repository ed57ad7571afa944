package dev.palimpsest.pageserver.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.pageserver.upstream.TimelineHistory.Ancestor;
import dev.palimpsest.pageserver.walreceiver.SourcePosition.Decision;
import dev.palimpsest.postgres.Lsn;
import java.util.List;
import org.junit.jupiter.api.Test;

class SourcePositionTest {
    private static final List<Ancestor> HISTORY =
            List.of(new Ancestor(1, new Lsn(100), "promoted"), new Ancestor(2, new Lsn(200), "promoted"));

    private static Decision decide(int ours, long end) {
        return SourcePosition.decide(ours, new Lsn(end), 3, HISTORY);
    }

    @Test
    void theTimelineThatWasFollowedIsFollowedOn() {
        assertThat(SourcePosition.decide(1, new Lsn(50), 1, List.of())).isEqualTo(new Decision.Follow(1));
        assertThat(decide(3, 250)).isEqualTo(new Decision.Follow(3));
    }

    @Test
    void whatTheSourceLeftIsFollowedToWhereItLeftIt() {
        assertThat(decide(1, 99)).isEqualTo(new Decision.Follow(1));
        assertThat(decide(2, 199)).isEqualTo(new Decision.Follow(2));
    }

    @Test
    void atTheVeryPlaceWhereItWasLeftTheNextOneIsFollowed() {
        assertThat(decide(1, 100)).isEqualTo(new Decision.Follow(2));
        assertThat(decide(2, 200)).isEqualTo(new Decision.Follow(3));
    }

    @Test
    void afterACrashThatLostWhatCameAfterASwitchTheOlderOneIsAskedForAgain() {
        assertThat(decide(3, 150)).isEqualTo(new Decision.Follow(2));
        assertThat(decide(2, 90)).isEqualTo(new Decision.Follow(1));
    }

    @Test
    void walBeyondWhereTheSourceLeftIsAnotherHistory() {
        assertThat(decide(1, 108)).isInstanceOf(Decision.Diverged.class);
        assertThat(decide(2, 208)).isInstanceOf(Decision.Diverged.class);
    }

    @Test
    void aTimelineThatTheSourceDoesNotComeFromIsAnotherHistory() {
        assertThat(decide(4, 50)).isInstanceOf(Decision.Diverged.class);
    }
}
