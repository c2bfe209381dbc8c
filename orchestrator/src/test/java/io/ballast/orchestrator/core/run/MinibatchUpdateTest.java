package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static io.ballast.orchestrator.core.run.UpdateByHand.group;
import static io.ballast.orchestrator.core.run.UpdateByHand.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.MemoryFolder;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An iteration's samples are learned from in minibatches, in one pass or in several. */
class MinibatchUpdateTest {
  /** Advantages ±1, and a loss of a token that is divided by completions and 12. */
  private static final String DR_GRPO = "algorithm: DR_GRPO\nconstraint: {enabled: false}\n";

  @TempDir(factory = MemoryFolder.class)
  Path temporary;

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  private static RunSpec spec(String algorithm, String objective) {
    return LeastSpec.read(
        LeastSpec.LEAST + "learning_rate: 0.5\n" + algorithm + "objective: {" + objective + "}\n");
  }

  /** Of the loss, by the weight: −(1/24)·Σ A·ρ·f over the four tokens, with ρ = exp(w·f). */
  private static double slope(double w) {
    return -(0.1 * Math.exp(0.1 * w)
            + 0.2 * Math.exp(0.2 * w)
            + 0.3 * Math.exp(-0.3 * w)
            + 0.2 * Math.exp(-0.2 * w))
        / 24;
  }

  @Test
  void ratiosAreOfThePolicyBeforeTheFirstMinibatchInEveryUpdate() {
    PolicyUpdate update =
        update(
            trainee,
            spec(DR_GRPO, "minibatches: 2, updates_per_iteration: 4"),
            group(1, -1),
            group(1, -1));

    // m ← 0.9·m + slope, w ← w − 0.5·m; each minibatch is one of two groups that are alike
    double w = 0;
    double m = 0;
    for (int u = 0; u < 4; u++) {
      m = 0.9 * m + slope(w);
      w -= 0.5 * m;
      assertThat(trainee.history().get(u)).isCloseTo(w, within(1e-7));
    }
    assertThat(trainee.updatesCount()).isEqualTo(4);
    assertThat(update.gradientNorm()).as("of the first").isCloseTo(0.8 / 24, within(1e-7));
    assertThat(update.learning().trainedCount()).as("in all minibatches").isEqualTo(4);
    assertThat(update.learning().objective().get("mean_ratio")).isEqualTo(1);
  }

  @Test
  void oneMinibatchIsTheUpdateOnAll() {
    RunSpec without = spec(DR_GRPO, "clip_low: 0.2");

    assertThat(spec(DR_GRPO, "minibatches: 1, updates_per_iteration: 1")).isEqualTo(without);
  }

  @Test
  void aMinibatchOfTheOnlyGroupWithASignalIsTheUpdateOnAllBitByBit() {
    String dapo = "algorithm: DAPO\nconstraint: {enabled: false}\nselector: {max_rounds: 1}\n";
    OneWeightTrainee whole = new OneWeightTrainee();
    PolicyUpdate onAll = update(whole, spec(dapo, "minibatches: 1"), group(1, 0), group(1, 1));

    PolicyUpdate cut = update(trainee, spec(dapo, "minibatches: 2"), group(1, 0), group(1, 1));

    assertThat(trainee.history()).isEqualTo(whole.history()).hasSize(1);
    assertThat(cut).isEqualTo(onAll);
  }

  @Test
  void pairsStayTogether() {
    String dpo = "algorithm: ONLINE_DPO\nconstraint: {enabled: false}\n";

    PolicyUpdate update = update(trainee, spec(dpo, "minibatches: 2"), group(1, -1), group(1, -1));

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(update.learning().message()).isEmpty();
    assertThat(trainee.updatesCount()).isEqualTo(2);
    assertThat(trainee.weight()).isPositive();
  }

  @Test
  void aMinibatchThatIsNotFiniteLeavesOutTheRest() {
    trainee.fail(1, 1);

    PolicyUpdate update =
        update(trainee, spec(DR_GRPO, "minibatches: 3"), group(1, -1), group(1, 0), group(2, 0));

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(update.learning().message())
        .startsWith("updates 2 to 3 were left out: gradient norm: NaN");
    assertThat(update.suspects()).hasSize(3);
    assertThat(trainee.updatesCount()).isEqualTo(1);
  }

  @Test
  void aRunThatIsKilledAnywhereCutsTheSameMinibatches() throws IOException {
    String spec =
        TestSpecs.spec(
            "crash", DR_GRPO + "objective: {minibatches: 2, updates_per_iteration: 4}\n");
    Run run = KilledRuns.killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("alone"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.trainees.getFirst().updatesCount())
        .as("of 3 iterations, 4 each where both groups have tokens to learn from")
        .isEqualTo(12);
    assertThat(world.store.iterations(RUN_ID, 0)).hasSize(3);
  }
}
