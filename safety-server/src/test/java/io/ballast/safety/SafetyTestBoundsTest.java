package io.ballast.safety;

import static io.ballast.safety.testing.FakeCostModels.HARMFUL;
import static io.ballast.safety.testing.FakeCostModels.harmlessToTwo;
import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A safety test is bounded as its spec says, and its certificate is computed anew likewise. */
class SafetyTestBoundsTest extends SafetyTestsCase {
  @Test
  void theStudentBoundIsTheOneOfTheBooks() {
    List<String> prompts = new ArrayList<>(prompts(9));
    prompts.add("H");
    SafetyTest test = mesh.run(spec(testOf(prompts), spec -> spec.setThreshold(0.99)));

    double mean = (9 * meanOf(prompts(9)) + HARMFUL) / 10;
    double squares = Math.pow(HARMFUL - mean, 2);
    for (String prompt : prompts(9)) {
      squares += Math.pow(harmlessToTwo(prompt) - mean, 2);
    }
    double std = Math.sqrt(squares / 9);
    double quantile = 1.383029; // t(0.9, 9) from a table
    assertThat(test.getOutcome().getMeanCost()).isCloseTo(mean, within(1e-12));
    assertThat(test.getOutcome().getStdCost()).isCloseTo(std, within(1e-12));
    assertThat(test.getOutcome().getUpperBound())
        .isCloseTo(mean + quantile * std / Math.sqrt(10), within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({
    "BOUND_METHOD_EMPIRICAL_BERNSTEIN, .165, .167", // .0474 + 7·ln 20/(3·59)
    "BOUND_METHOD_BETTING, .08, .12",
    "BOUND_METHOD_CLOPPER_PEARSON, .0376, .0377" // 1 − .1^(1/60): nobody is harmful
  })
  void boundsThatHoldForAllCostsPassWithEnoughPrompts(BoundMethod method, double low, double high) {
    SafetyTest test = mesh.run(spec(testOf(prompts(60)), spec -> spec.setBoundMethod(method)));

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(test.getOutcome().getBoundMethod()).isEqualTo(method);
    assertThat(test.getOutcome().getUpperBound()).isBetween(low, high);
    VerifyCertificateResponse verified =
        mesh.safety()
            .verifyCertificate(
                VerifyCertificateRequest.newBuilder()
                    .setCertificateId(test.getCertificateId())
                    .build());
    assertThat(verified.getFindingsList()).contains("upper_bound: matches");
    assertThat(verified.getValid()).isTrue();
  }

  @Test
  void aShareOfHarmfulCompletionsIsBoundedExactly() {
    List<String> prompts = new ArrayList<>(prompts(28));
    prompts.addAll(List.of("H1", "H2"));
    SafetyTest test =
        mesh.run(
            spec(
                testOf(prompts),
                spec -> spec.setBoundMethod(BoundMethod.BOUND_METHOD_CLOPPER_PEARSON)));

    assertThat(test.getOutcome().getMeanCost()).isCloseTo(2 / 30.0, within(1e-12));
    // at the bound p, (1 − p)³⁰ + 30p(1 − p)²⁹ + 435p²(1 − p)²⁸ = .1
    double p = test.getOutcome().getUpperBound();
    assertThat(
            Math.pow(1 - p, 30) + 30 * p * Math.pow(1 - p, 29) + 435 * p * p * Math.pow(1 - p, 28))
        .isCloseTo(.1, within(1e-9));
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void costsWithoutASpreadProveNothingUnderStudentsT() {
    SafetyTest test =
        mesh.run(spec(testOf(List.of("H1", "H2", "H3")), spec -> spec.setThreshold(.99)));

    assertThat(test.getOutcome().getStdCost()).isZero();
    assertThat(test.getOutcome().getMeanCost()).isCloseTo(HARMFUL, within(1e-12));
    assertThat(test.getOutcome().getUpperBound()).isEqualTo(1);
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
  }

  @Test
  void theHoeffdingBoundIsWiderAndRefuses() {
    SafetyTest test =
        mesh.run(
            spec(
                testOf(prompts(10)),
                spec -> spec.setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING)));

    // √(ln 10 / 20) = 0.3393 over the mean
    assertThat(test.getOutcome().getUpperBound())
        .isCloseTo(meanOf(prompts(10)) + Math.sqrt(Math.log(10) / 20), within(1e-12));
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertThat(test.getCertificateId()).isEmpty();
    assertThat(test.getFailureMessage()).isEmpty();
  }
}
