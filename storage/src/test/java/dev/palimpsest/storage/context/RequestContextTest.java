package dev.palimpsest.storage.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.CancelledException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Clock;
import org.junit.jupiter.api.Test;

class RequestContextTest {
    @Test
    void accountsAreKeptPerKindAndSharedByDerivedContexts() {
        RequestContext request = RequestContext.of(TaskKind.PAGE_SERVICE);
        request.account(ContentKind.DELTA_LAYER_VALUE, 100);
        request.withDeadline(5).account(ContentKind.DELTA_LAYER_VALUE, 20);
        request.withCancellation(new Cancellation()).account(ContentKind.IN_MEMORY_LAYER, 7);
        assertThat(request.accesses(ContentKind.DELTA_LAYER_VALUE)).isEqualTo(2);
        assertThat(request.bytes(ContentKind.DELTA_LAYER_VALUE)).isEqualTo(120);
        assertThat(request.bytes(ContentKind.IN_MEMORY_LAYER)).isEqualTo(7);
        assertThat(request.accesses(ContentKind.IMAGE_LAYER_INDEX)).isZero();
    }

    @Test
    void aDeadlineOnlyBecomesEarlier() {
        RequestContext request = new RequestContext(TaskKind.TOOL, 100, Cancellation.NEVER);
        assertThat(request.withDeadline(50).deadlineNanos()).isEqualTo(50);
        assertThat(request.withDeadline(Clock.NEVER).deadlineNanos()).isEqualTo(100);
    }

    @Test
    void cancellationGoesDownAndNotUp() throws Exception {
        Cancellation parent = new Cancellation();
        Cancellation child = parent.child();
        Cancellation other = parent.child();
        child.cancel();
        assertThat(other.isCancelled()).isFalse();
        new RequestContext(TaskKind.TOOL, Clock.NEVER, other).checkCancelled();
        parent.cancel();
        assertThatThrownBy(() -> new RequestContext(TaskKind.TOOL, Clock.NEVER, other).checkCancelled())
                .isInstanceOf(CancelledException.class);
        assertThatThrownBy(Cancellation.NEVER::cancel).isInstanceOf(UnsupportedOperationException.class);
    }
}
