package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.bound.SafetyTest;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Shows certificates, and computes them again from what is stored. */
public final class CertificateDesk {
  /** Far below what matters, far above what another computer's logarithm may differ by. */
  private static final double RELATIVE_TOLERANCE = 1e-12;

  private final SafetyTestStore store;

  public CertificateDesk(SafetyTestStore store) {
    this.store = store;
  }

  /**
   * What verification found.
   *
   * @param valid whether every check holds
   * @param findings each check with what it found
   * @param recomputedUpperBound from the stored costs; NaN if they make no sample
   */
  public record Verification(
      boolean valid, List<String> findings, Certificate certificate, double recomputedUpperBound) {
    public Verification {
      findings = List.copyOf(findings);
    }
  }

  /**
   * One certificate.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none
   */
  public Certificate get(UUID id) {
    return evidence(id).certificate();
  }

  /**
   * Computes everything that a certificate says from the stored costs.
   *
   * @param candidateWeightsSha256 what it must name; empty: not checked
   * @throws MeshException UNKNOWN_RESOURCE if there is no such certificate
   */
  public Verification verify(UUID id, String candidateWeightsSha256) {
    Evidence evidence = evidence(id);
    Certificate certificate = evidence.certificate();
    Checks checks = new Checks();
    checks.same("digest", certificate.digestSha256(), certificate.computeDigest());
    checks.same(
        "costs_sha256", certificate.costsSha256(), Certificate.costsSha256(evidence.costs()));
    double upper = checkNumbers(checks, certificate.outcome(), evidence.costs());
    checks.that(
        "test",
        evidence.testState() == TestState.PASSED,
        "passed",
        "its state is " + evidence.testState());
    checkCostModel(checks, certificate);
    if (!candidateWeightsSha256.isEmpty()) {
      checks.same(
          "candidate_weights_sha256",
          certificate.candidate().weightsSha256(),
          candidateWeightsSha256);
    }
    return new Verification(checks.hold, checks.findings, certificate, upper);
  }

  private static double checkNumbers(Checks checks, TestOutcome outcome, List<Double> costs) {
    SafetyTestNumbers said = outcome.numbers();
    boolean probabilities = costs.stream().allMatch(cost -> cost >= 0 && cost <= 1);
    checks.that("costs", probabilities, "each 0 to 1", "one is outside 0 to 1");
    if (!probabilities || costs.size() < 2) {
      checks.that("n", false, "", "%,d costs are stored".formatted(costs.size()));
      return Double.NaN;
    }
    SafetyTestNumbers found =
        new SafetyTest(said.threshold(), said.delta(), said.method())
            .decide(costs.stream().mapToDouble(Double::doubleValue).toArray())
            .numbers();
    checks.that(
        "n",
        said.n() == found.n(),
        "%,d costs are stored".formatted(found.n()),
        "it says %,d, %,d costs are stored".formatted(said.n(), found.n()));
    checks.close("mean_cost", said.meanCost(), found.meanCost());
    checks.close("std_cost", said.stdCost(), found.stdCost());
    checks.close("upper_bound", said.upperBound(), found.upperBound());
    checks.that(
        "decision",
        found.upperBound() <= said.threshold(),
        "the upper bound %s is at or below the threshold %s"
            .formatted(found.upperBound(), said.threshold()),
        "the upper bound %s is over the threshold %s"
            .formatted(found.upperBound(), said.threshold()));
    return found.upperBound();
  }

  private static void checkCostModel(Checks checks, Certificate certificate) {
    PinnedVersion judge = certificate.costModel();
    checks.that(
        "cost_model",
        certificate.optimisedCostModels().stream()
            .noneMatch(optimised -> Independence.sameModel(judge, optimised)),
        "not one that the candidate's run optimised against",
        "one that the candidate's run optimised against");
  }

  private Evidence evidence(UUID id) {
    return store
        .evidence(id)
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_RESOURCE,
                    "certificate_id: %s: there is no such certificate".formatted(id),
                    Map.of("certificate_id", id.toString())));
  }

  /** Checks with what each found. */
  private static final class Checks {
    private final List<String> findings = new ArrayList<>();
    private boolean hold = true;

    void that(String what, boolean holds, String found, String flaw) {
      hold &= holds;
      findings.add(what + ": " + (holds ? found : flaw));
    }

    void same(String what, String said, String computed) {
      that(
          what,
          said.equals(computed),
          "matches",
          "it says %s (expected: %s)".formatted(said, computed));
    }

    void close(String what, double said, double computed) {
      boolean holds = Math.abs(said - computed) <= RELATIVE_TOLERANCE * (1 + Math.abs(computed));
      that(what, holds, "matches", "it says %s, the costs yield %s".formatted(said, computed));
    }
  }
}
