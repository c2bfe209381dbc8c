package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.MemoryFolder;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run whose KL coefficient is moved to a target goes on with the coefficient that it had. */
class KlTargetCrashTest {
  /** Six completions an iteration, so that an error acts at most by 0.2·6/12. */
  private static final String STEERED =
      TestSpecs.spec("crash", "algorithm: GRPO\nconstraint: {enabled: false}")
          .replace("kl: {stop_at: 1000}", "kl: {stop_at: 1000, target: 0.5, horizon: 12}");

  @TempDir(factory = MemoryFolder.class)
  Path temporary;

  @Test
  void theCoefficientIsTheSameWhereverARunIsKilled() throws IOException {
    Run run = KilledRuns.killAnywhere(temporary, STEERED);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("steered"), STEERED);
    var unused = world.work(new CrashPoints(0));
    List<Double> coefficients =
        world.store.iterations(RUN_ID, 0).stream()
            .map(each -> each.learning().objective().get("kl_coefficient"))
            .toList();
    assertThat(coefficients).hasSize(3).doesNotHaveDuplicates();
    assertThat(coefficients.getFirst()).isEqualTo(0.04);
    // before any update the KL is 0, below the target as far as counts: 0.04·(1 − 0.2·6/12)
    assertThat(coefficients.get(1)).isCloseTo(0.036, within(1e-12));
    assertThat(world.store.loopState(RUN_ID).recipe().klCoefficient())
        .as("what a fourth iteration would begin with")
        .isPresent();
  }
}
