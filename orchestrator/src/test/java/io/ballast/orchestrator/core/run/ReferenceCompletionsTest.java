package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.UpdateByHand.BAD;
import static io.ballast.orchestrator.core.run.UpdateByHand.GOOD;
import static io.ballast.orchestrator.core.run.UpdateByHand.PROMPT;
import static io.ballast.orchestrator.core.run.UpdateByHand.judged;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

/** What the reference wrote is compared with what the policy wrote, and is no sample of it. */
class ReferenceCompletionsTest {
  private static final RunSpec SPEC =
      LeastSpec.read(
          LeastSpec.LEAST
              + """
              algorithm: XPO
              learning_rate: 1
              objective: {beta: 1}
              constraint: {enabled: false}
              """);

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  /** The features of the policy's tokens are 0.1 and 0.2, those of the reference's −0.3, −0.2. */
  private PolicyUpdate update() {
    return UpdateByHand.update(
        trainee,
        SPEC,
        new JudgedGroup("p", PROMPT, List.of(judged(GOOD, 1)), List.of(judged(BAD, -1))));
  }

  @Test
  void theKlOfWhatThePolicySampledIsK3AndOfWhatTheReferenceWroteK2() {
    var unused = update();
    unused = update();
    double w = trainee.weight();
    PolicyUpdate third = update();

    double policy = DoubleStream.of(.1, .2).map(f -> Math.exp(-w * f) + w * f - 1).sum();
    double reference = DoubleStream.of(-.3, -.2).map(f -> .5 * w * w * f * f).sum();
    assertThat(w).as("far from the reference, where k2 and k3 differ").isGreaterThan(0.5);
    assertThat(third.watched().klNats())
        .as("of the policy that sampled")
        .hasValueCloseTo(policy, within(1e-6));
    assertThat(third.learning().objective().get("kl_nats"))
        .as("of the pair, and of the reference's once more, by itself")
        .isCloseTo((policy + 2 * reference) / 3, within(1e-6));
  }
}
