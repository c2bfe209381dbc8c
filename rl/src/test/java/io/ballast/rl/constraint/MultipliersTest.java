package io.ballast.rl.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Multipliers grow while cost is over budget and shrink while it is under. */
class MultipliersTest {
  @Test
  void projectedAscent() {
    // 1 + .1·(2 − .5) = 1.15; far under budget it stops at 0, far over at the cap
    LagrangeMultiplier multiplier = new LagrangeMultiplier(1, .1, 5);
    assertThat(multiplier.step(2, .5).lambda()).isCloseTo(1.15, within(1e-12));
    assertThat(multiplier.step(-100, 0).lambda()).isEqualTo(0);
    assertThat(multiplier.step(100, 0).lambda()).isEqualTo(5);
    assertThat(multiplier.step(-100, 0).step(1, 0).lambda())
        .as("leaves 0")
        .isCloseTo(.1, within(1e-12));
  }

  @Test
  void ascentInTheLogarithm() {
    // ln λ: .1·1·2 → e^.2 = 1.221403; + .1·1.221403·2 → 1.559368; − .1·1.559368 → 1.334216
    ConstraintMultiplier multiplier = new LogLagrangeMultiplier(1, .1, 1e-6, 5);
    multiplier = multiplier.step(2, 0);
    assertThat(multiplier.lambda()).isCloseTo(1.221403, within(1e-6));
    multiplier = multiplier.step(2, 0);
    assertThat(multiplier.lambda()).isCloseTo(1.559368, within(1e-6));
    multiplier = multiplier.step(-1, 0);
    assertThat(multiplier.lambda()).isCloseTo(1.334216, within(1e-6));
  }

  @Test
  void capAndFloorHold() {
    LogLagrangeMultiplier multiplier = new LogLagrangeMultiplier(1, 1, .01, 5);
    assertThat(multiplier.step(1e9, 0).lambda()).isCloseTo(5, within(1e-12));
    assertThat(multiplier.step(-1e9, 0).lambda()).isCloseTo(.01, within(1e-12));
    assertThat(multiplier.step(-1e9, 0).step(100, 0).lambda()).as("recovers").isGreaterThan(.02);
  }

  @Test
  void thatLambdaIsAtItsCapIsTold() {
    for (ConstraintMultiplier multiplier :
        new ConstraintMultiplier[] {
          new LagrangeMultiplier(1, 1, 5), new LogLagrangeMultiplier(1, 1, .01, 5)
        }) {
      assertThat(multiplier.atCap()).isFalse();
      assertThat(multiplier.step(1e9, 0).atCap()).isTrue();
      assertThat(multiplier.step(1e9, 0).step(-1, 0).atCap()).isFalse();
    }
  }

  @Test
  void onBudgetNothingMoves() {
    assertThat(new LagrangeMultiplier(1, .1, 5).step(.3, .3).lambda()).isEqualTo(1);
    assertThat(new LogLagrangeMultiplier(1, .1, .01, 5).step(.3, .3).lambda()).isEqualTo(1);
  }

  @Test
  void aCostThatIsNotANumberIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LagrangeMultiplier(1, .1, 5).step(Double.NaN, 0))
        .withMessage("cost: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LagrangeMultiplier(6, .1, 5))
        .withMessage("lambda: 6.0 (expected: 0.0 to 5.0)");
  }
}
