package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.BudgetSpec;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a run uses up is counted whole, and says what is used up. */
class SpentTest {
  private static final BudgetSpec BUDGET = new BudgetSpec(15L, Duration.ofSeconds(7200), 4.0, 2.5);

  private static SampledCompletion completion(int tokens) {
    return new SampledCompletion(
        TokenIds.of(new int[tokens]), "", PerToken.of(new float[tokens]), false);
  }

  @Test
  void whatWasSampledForNothingCountsToo() {
    Spent spent =
        new Spent(2, 0, null)
            .and(
                List.of(
                    new SampledPrompt.Sampled(
                        "p",
                        TokenIds.of(1),
                        List.of(completion(3), completion(0)),
                        List.of(completion(2))),
                    new SampledPrompt.Failed("the reference's server was away", 7),
                    new SampledPrompt.Failed("none")),
                3600,
                BUDGET);

    assertThat(spent).isEqualTo(new Spent(14, 3600, 2.5));
    assertThat(spent.usedUp(BUDGET)).isEmpty();
  }

  @Test
  void eachBudgetThatIsUsedUpIsNamed() {
    assertThat(new Spent(15, 7200, 5.0).usedUp(BUDGET))
        .isEqualTo(
            "budget.tokens is used up: 15 of 15 completion tokens; "
                + "budget.time is used up: 7200.0 s of PT2H; "
                + "budget.money is used up: 5.0000 of 4.0");
    assertThat(new Spent(15, 7200, 5.0).usedUp(BudgetSpec.NONE)).isEmpty();
  }
}
