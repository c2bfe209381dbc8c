package io.ballast.orchestrator.core.promotion;

import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.PolicyVersions.Promotion;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import java.util.List;
import java.util.Optional;

/** Promotes by compare-and-set, and tells a refusal from a failure. */
public final class Promoter {
  private final PolicyVersions versions;
  private final SafetyTester tester;

  public Promoter(PolicyVersions versions, SafetyTester tester) {
    this.versions = versions;
    this.tester = tester;
  }

  /** How a promotion ended. */
  public sealed interface Outcome {
    /** The alias points to the candidate. */
    record Promoted() implements Outcome {}

    /** It does not, and will not: the serving version stays. */
    record Refused(String reason) implements Outcome {}
  }

  /**
   * Promotes.
   *
   * @param beside tests of the candidate's other constraints, whose certificates must hold as well:
   *     the policy-server looks at the promotion's alone
   * @throws MeshException if it is not known whether it would be refused: a peer is down or broken
   */
  public Outcome promote(Promotion promotion, List<SafetyTestReport> beside) {
    for (SafetyTestReport test : beside) {
      Optional<String> flaw =
          tester.flaw(
              promotion.tenant(), test.certificateId(), promotion.candidate(), promotion.alias());
      if (flaw.isPresent()) {
        return new Outcome.Refused(
            "the certificate of the constraint %s, %s, does not hold: %s"
                .formatted(test.constraint(), test.certificateId(), flaw.get()));
      }
    }
    try {
      versions.promote(promotion);
      return new Outcome.Promoted();
    } catch (MeshException e) {
      return switch (e.fault()) {
        case VERSION_CONFLICT ->
            new Outcome.Refused("the alias has moved on since the run began: " + e.getMessage());
        case SAFETY_GATE_CLOSED ->
            new Outcome.Refused(
                "the certificate does not open the gate: %s; the candidate, %s, is kept"
                    .formatted(e.getMessage(), promotion.candidate()));
        case UNKNOWN_MODEL, CORRUPT_WEIGHTS, PRECONDITION_FAILED ->
            new Outcome.Refused("the candidate cannot be served: " + e.getMessage());
        case MALFORMED_REQUEST,
            UNAUTHENTICATED,
            FORBIDDEN,
            UNKNOWN_RESOURCE,
            ALREADY_EXISTS,
            OVERLOADED,
            MODEL_LOADING,
            DEPENDENCY_DOWN,
            TIMED_OUT,
            DEPENDENCY_BROKEN,
            NOT_IMPLEMENTED ->
            throw e;
      };
    }
  }
}
