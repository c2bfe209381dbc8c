package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.testing.CrashPoints;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A watcher sees every iteration once, and holds a few at a time. */
@Timeout(60)
class RunWatchTest {
  private static final Duration LONG = Duration.ofHours(1);

  @TempDir private Path temporary;

  @Test
  void iterationsComeAFewAtATimeAndNoneIsWaitedForThatIsThere() throws IOException {
    LoopWorld world = new LoopWorld(temporary);
    Run ended = world.work(new CrashPoints(0));
    assertThat(ended.progress().iterationsDone()).isEqualTo(3);

    for (int most = 1; most <= 4; most++) {
      List<Integer> held = new ArrayList<>();
      List<Integer> seen = new ArrayList<>();
      new RunWatch(new ChangeSignal(), LONG, most)
          .show(
              () -> ended,
              (known, limit) -> {
                List<IterationMetrics> page = world.store.iterations(RUN_ID, known, limit);
                held.add(page.size());
                return page;
              },
              0,
              CallCancellation.never(),
              (run, iteration) -> seen.add(iteration.orElseThrow().iteration()));

      assertThat(seen).containsExactly(1, 2, 3);
      assertThat(Collections.max(held)).as("at a time").isEqualTo(Math.min(most, 3));
    }
  }
}
