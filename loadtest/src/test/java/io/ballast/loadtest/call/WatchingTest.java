package io.ballast.loadtest.call;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.Futures;
import io.ballast.loadtest.openloop.Outcome;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each call ends, whatever its answer does to whoever looks at it. */
class WatchingTest {
  private final List<Outcome> ends = new ArrayList<>();

  @Test
  void anAnswerIsWhatIsSaidOfItAndAFailureItsStatus() {
    Watching.watch(Futures.immediateFuture("yes"), Outcome::answered, ends::add);
    Watching.watch(
        Futures.<String>immediateFailedFuture(Status.ABORTED.asRuntimeException()),
        Outcome::answered,
        ends::add);

    assertThat(ends).containsExactly(Outcome.answered("yes"), Outcome.failed("ABORTED"));
  }

  @Test
  void anAnswerThatCannotBeLookedAtEndsItsCallToo() {
    Watching.watch(
        Futures.immediateFuture("odd"),
        answer -> {
          throw new IllegalStateException(answer);
        },
        ends::add);

    assertThat(ends).containsExactly(Outcome.failed("CLIENT_IllegalStateException"));
  }
}
