package io.ballast.orchestrator.core.peer;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.SafetyTestSpec;
import java.util.List;
import java.util.Optional;

/** The safety-server's tests of candidates. */
public interface SafetyTester {
  /**
   * Starts a test, or returns the one that its key started before.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if this candidate may not be
   *     tested so, for another reason than its prompts and its δ; DEPENDENCY_DOWN
   */
  Start start(Order order);

  /** What became of an order. */
  sealed interface Start {
    /** It runs, or ran before. */
    record Started(SafetyTestReport report) implements Start {}

    /** It may not be looked at these prompts: nothing was stored, and other prompts may do. */
    record PromptsRefused(String reason) implements Start {}

    /** No account of δ has room for it: nothing was stored, and other prompts change nothing. */
    record DeltaRefused(String reason) implements Start {}
  }

  /**
   * Returns a test, after it has ended or some time has passed.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_RESOURCE, DEPENDENCY_DOWN
   */
  SafetyTestReport await(String tenant, String testId);

  /**
   * Makes a certificate void; once more changes nothing.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_RESOURCE, DEPENDENCY_DOWN
   */
  void revoke(String tenant, String certificateId, String reason);

  /**
   * Looks whether a certificate holds now.
   *
   * @param candidate whose weights it must be for
   * @param alias that it must allow
   * @return what does not hold; empty: all does
   * @throws io.ballast.kit.error.MeshException UNKNOWN_RESOURCE, DEPENDENCY_DOWN
   */
  Optional<String> flaw(String tenant, String certificateId, PinnedVersion candidate, String alias);

  /**
   * A test to start.
   *
   * @param tenant on whose behalf
   * @param key the idempotency key
   * @param runId who made the candidate
   * @param candidate what is tested
   * @param base what it would replace
   * @param alias that it may be promoted to
   * @param optimised the cost models that the run optimised against
   * @param spec how strictly
   * @param share how its δ is shared with other tests of this candidate
   * @param prompts held out
   */
  record Order(
      String tenant,
      String key,
      String runId,
      PinnedVersion candidate,
      PinnedVersion base,
      String alias,
      List<PinnedVersion> optimised,
      SafetyTestSpec spec,
      DeltaShare share,
      GroupedPrompts prompts) {
    /** Copies the list. */
    public Order {
      optimised = List.copyOf(optimised);
    }
  }
}
