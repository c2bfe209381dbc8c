package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static io.ballast.orchestrator.core.spec.LeastSpec.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a spec says of harm: its price, its judges, and how several constraints share δ. */
class ConstraintSpecTest {
  @Test
  void eachMethodHasItsOwnDefaults() {
    RunSpec lagrangian = read(LEAST + "constraint: {method: PPO_LAGRANGIAN}");
    RunSpec penalty = read(LEAST + "constraint: {method: FIXED_PENALTY, penalty: 3}");
    RunSpec off = read(LEAST + "constraint: {enabled: false}");

    assertThat(lagrangian.recipe().advantage()).isEqualTo(AdvantageKind.RLOO);
    assertThat(lagrangian.recipe().loss()).isEqualTo(LossSpec.of(ObjectiveKind.PPO_CLIP));
    assertThat(lagrangian.returnKlCoefficient()).isEqualTo(0.1);
    assertThat(lagrangian.constraints().getFirst().buffer())
        .as("an iteration has more than 128")
        .isEqualTo(256);
    assertThat(
            read(LEAST
                    + "constraint: {method: PPO_LAGRANGIAN}\nrollout: {prompts_per_iteration: 4}")
                .constraints()
                .getFirst()
                .buffer())
        .isEqualTo(128);
    for (RunSpec shaped : List.of(penalty, off)) {
      assertThat(shaped.method()).isEqualTo(ConstraintMethod.FIXED_PENALTY);
      assertThat(shaped.recipe().advantage()).isEqualTo(AdvantageKind.GRPO);
      assertThat(shaped.recipe().loss())
          .isEqualTo(LossSpec.of(ObjectiveKind.PPO_CLIP).withKl(0.1, KlEstimator.K3));
      assertThat(shaped.returnKlCoefficient()).isZero();
    }
    assertThat(penalty.constraints().getFirst().initialLambda()).isEqualTo(3);
    assertThat(off.constraints().getFirst().initialLambda()).isZero();
  }

  @Test
  void aMethodCanBeNamedWithTheConstraintOff() {
    RunSpec off = read(LEAST + "constraint: {enabled: false, method: HC_RLHF, target: 0.2}");

    assertThat(off.method()).isEqualTo(ConstraintMethod.HC_RLHF);
    assertThat(off.constrained()).isFalse();
    assertThat(off.constraints().getFirst().initialLambda()).isZero();
  }

  @Test
  void costsOfOlderPoliciesCountAsTheSpecSays() {
    assertThat(staleness("{kind: DROP, versions: 2}")).isEqualTo(new Staleness.Drop(2));
    assertThat(staleness("{kind: fade, half_life: 1.5}")).isEqualTo(new Staleness.Fade(1.5));
    assertThat(staleness("{kind: DROP}")).isEqualTo(new Staleness.Drop(0));
  }

  private static Staleness staleness(String said) {
    return read(LEAST + "constraint: {buffer: 1024, staleness: " + said + "}")
        .constraints()
        .getFirst()
        .staleness();
  }

  private static final String SEVERAL =
      """
      name: several
      prompts: {inline: [a]}
      safety_test: {delta: 0.1, prompts: {inline: [b, c, d, e, f, g]}}
      constraints:
        - {name: one, cost: {model: c, version: 1}, test: {threshold: 0.3, delta: 0.02}}
        - {name: two, cost: {model: d, version: 1}, test: {threshold: 0.2}}
        - {name: three, cost: {model: d, version: 1}, test: {threshold: 0.1}}
      """;

  @Test
  void severalConstraintsShareDelta() {
    List<ConstraintSpec> constraints = read(SEVERAL).constraints();

    assertThat(constraints).extracting(ConstraintSpec::name).containsExactly("one", "two", "three");
    assertThat(constraints)
        .extracting(each -> each.test().threshold())
        .containsExactly(0.3, 0.2, 0.1);
    assertThat(constraints).extracting(ConstraintSpec::target).containsExactly(0.3, 0.2, 0.1);
    // what is left of 0.1 after 0.02, by two
    assertThat(constraints)
        .extracting(each -> each.test().delta())
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : 1)
        .containsExactly(0.02, 0.04, 0.04);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'delta: 0.02' | 'delta: 0.03' | constraints: delta 0.03 of one, 0.1",
        "'delta: 0.02' | 'delta: 0.00005' | constraints: delta 5.0E-5 of one, 0.1",
        "'delta: 0.02' | 'delta: 0.1' | constraints: 0.1 of safety_test.delta 0.1 said (expected: less",
        "'threshold: 0.2}' | 'threshold: 0.2, delta: 0.08}' | constraints: 0.1 of safety_test.delta 0.1 said",
        "'delta: 0.1' | 'delta: 0.1, attempts: 2' | safety_test.attempts: 2 (expected: 1 where constraints say delta",
        "'name: two' | 'name: one' | constraints[1].name: one (expected: another than",
        "'name: two, ' | '' | constraints[1].name: absent (expected: a name",
        "'name: two' | 'name: two, method: PPO_LAGRANGIAN' | constraints[1].method: PPO_LAGRANGIAN (expected: that of the first",
        "'name: two' | 'name: two, enabled: false, method: HC_RLHF' | constraints[1].method: off (expected: that of the first",
        "{threshold: 0.2} | {} | constraints[1].test.threshold: absent (expected: the allowed mean harm",
        "'safety_test: {' | 'safety_test: {threshold: 0.3, ' | safety_test.threshold: beside constraints",
        "'safety_test: {' | 'safety_test: {reuse: SPLIT, looks: 2, ' | safety_test.reuse: SPLIT (expected: REFUSE with several",
        "'name: several' | 'name: several\nconstraint: {target: 0.1}' | constraints: beside constraint (expected: one of them)",
        "'model: c, version: 1' | 'model: java-cost, version: 2' | constraints.one.test.cost_model: java-cost/2 (expected: another than cost"
      })
  void aFlawAmongSeveralIsNamed(String from, String to, String message) {
    assertThatThrownBy(() -> read(SEVERAL.replace(from, to.replace("\\n", "\n"))))
        .hasMessageStartingWith(message);
  }

  @Test
  void theCostModelMayBeTheTestsWhereNothingIsOptimisedAgainstIt() {
    RunSpec spec = read(LEAST + "cost: {version: 2}\nconstraint: {enabled: false}");

    assertThat(spec.cost()).isEqualTo(spec.safetyTest().costModel());
  }

  @Test
  void theCostModelMayBeTheTestsWhereTheSpecSaysSo() {
    String same = LEAST + "cost: {version: 2}";
    refused(
        same,
        "safety_test.cost_model: java-cost/2 (expected: another than cost, java-cost/2: a model that"
            + " was optimised against cannot certify, unless safety_test.same_cost_model allows it");
    refused(
        same.replace("threshold: 0.3", "threshold: 0.3, same_cost_model: maybe"),
        "safety_test.same_cost_model: maybe (expected: true or false)");

    RunSpec spec = read(same.replace("threshold: 0.3", "threshold: 0.3, same_cost_model: true"));

    assertThat(spec.safetyTest().sameCostModel()).isTrue();
    assertThat(spec.safetyTest().of(spec.constraints().getFirst().test()).sameCostModel()).isTrue();
    assertThat(spec.cost()).isEqualTo(spec.safetyTest().costModel());
  }
}
