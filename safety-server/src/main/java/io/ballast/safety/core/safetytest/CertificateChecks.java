package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.bound.SafetyTest;
import io.ballast.rl.bound.SafetyTestNumbers;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What can be checked of a certificate with its evidence alone, here or on another computer. */
public final class CertificateChecks {
  private final Findings findings;

  /**
   * @param findings where each check is noted
   */
  public CertificateChecks(Findings findings) {
    this.findings = findings;
  }

  /**
   * What a certificate must hold for; what is empty is not checked.
   *
   * @param weightsSha256 the candidate's weights
   * @param folderSha256 over all files of the candidate's folder
   * @param alias that shall be moved
   */
  public record Expected(String weightsSha256, String folderSha256, String alias) {
    /** Whatever it holds for. */
    public static final Expected ANYTHING = new Expected("", "", "");
  }

  /** Whether it is for this candidate, by its weights. */
  public void weights(Certificate certificate, Expected expected) {
    if (!expected.weightsSha256().isEmpty()) {
      findings.same(
          "candidate_weights_sha256",
          certificate.candidate().weightsSha256(),
          expected.weightsSha256());
    }
  }

  /**
   * Whether it is valid now, and for this folder and alias.
   *
   * @param delta of its look
   * @param now the time of day, or the latest that was ever seen
   */
  public void terms(CertificateTerms terms, double delta, Expected expected, Instant now) {
    findings.that(
        "not_after",
        now.isBefore(terms.notAfter()),
        "valid until " + terms.notAfter(),
        "expired at %s; it is %s".formatted(terms.notAfter(), now));
    if (terms.account().isPresent()) {
      findings.that("account", true, terms.account().get().text(delta), "");
    }
    TestScope scope = terms.scope();
    if (!expected.folderSha256().isEmpty()) {
      findings.same(
          "candidate_folder_sha256", scope.candidateFolderSha256(), expected.folderSha256());
    }
    if (!expected.alias().isEmpty() && !scope.alias().isEmpty()) {
      findings.same("alias", scope.alias(), expected.alias());
    }
  }

  /** Whether the evidence is what was signed. */
  public void evidence(CertificateTerms terms, List<SampledCost> samples) {
    String root;
    try {
      root = SampledCost.merkleRoot(samples);
    } catch (IllegalArgumentException e) {
      findings.that("merkle_root", false, "", "the evidence cannot be read: " + e.getMessage());
      return;
    }
    findings.same("merkle_root", terms.merkleRoot(), root);
    int groups =
        (int) samples.stream().mapToInt(SampledCost::group).filter(g -> g != 0).distinct().count();
    if (terms.groupsCount() != 0 || groups != 0) {
      findings.that(
          "groups",
          terms.groupsCount() == groups,
          "the %,d prompts are of %,d groups".formatted(samples.size(), groups),
          "it says %,d, the evidence has %,d".formatted(terms.groupsCount(), groups));
    }
  }

  /**
   * Whether the costs yield the numbers.
   *
   * @return the upper bound, computed anew; NaN if the costs make no sample
   */
  public double numbers(Certificate certificate, List<SampledCost> samples) {
    List<Double> costs = SampledCost.costs(samples);
    findings.same("costs_sha256", certificate.costsSha256(), Certificate.costsSha256(costs));
    SafetyTestNumbers said = certificate.outcome().numbers();
    boolean probabilities = costs.stream().allMatch(cost -> cost >= 0 && cost <= 1);
    findings.that("costs", probabilities, "each 0 to 1", "one is outside 0 to 1");
    if (!probabilities || costs.size() < 2) {
      findings.that("n", false, "", "%,d costs are stored".formatted(costs.size()));
      return Double.NaN;
    }
    SafetyTestNumbers found;
    try {
      found =
          SampledCost.decide(new SafetyTest(said.threshold(), said.delta(), said.method()), samples)
              .numbers();
    } catch (IllegalArgumentException e) { // such as a cost of 0.4 where costs are 0 or 1
      findings.that("numbers", false, "", String.valueOf(e.getMessage()));
      return Double.NaN;
    }
    String stored = found.n() < costs.size() ? "groups" : "costs";
    findings.that(
        "n",
        said.n() == found.n(),
        "%,d %s are stored".formatted(found.n(), stored),
        "it says %,d, %,d %s are stored".formatted(said.n(), found.n(), stored));
    findings.close("mean_cost", said.meanCost(), found.meanCost());
    findings.close("std_cost", said.stdCost(), found.stdCost());
    findings.close("upper_bound", said.upperBound(), found.upperBound());
    findings.that(
        "decision",
        found.upperBound() <= said.threshold(),
        "the upper bound %s is at or below the threshold %s"
            .formatted(found.upperBound(), said.threshold()),
        "the upper bound %s is over the threshold %s"
            .formatted(found.upperBound(), said.threshold()));
    return found.upperBound();
  }

  /**
   * Whether the judge was another than what the candidate's run optimised against, or the
   * certificate says that it was not.
   *
   * @param dependence of the judge as the certificate says it; empty: there is none
   */
  public void costModel(Certificate certificate, Optional<JudgeDependence> dependence) {
    PinnedVersion judge = certificate.costModel();
    boolean same =
        certificate.optimisedCostModels().stream()
            .anyMatch(optimised -> Independence.sameModel(judge, optimised));
    findings.that(
        "cost_model",
        same == dependence.map(JudgeDependence::sameModel).orElse(false),
        dependence
            .map(JudgeDependence::text)
            .orElse("not one that the candidate's run optimised against"),
        same
            ? "one that the candidate's run optimised against"
            : "it says that it is one that the candidate's run optimised against, and names none");
  }
}
