package io.ballast.safety.core.safetytest;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.rl.bound.SafetyTestNumbers;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * The proof that a candidate passed, from which anyone with the costs can compute the bound again.
 *
 * @param digestSha256 over {@link #canonical}
 */
public record Certificate(
    UUID id,
    UUID testId,
    PinnedVersion candidate,
    PinnedVersion costModel,
    List<PinnedVersion> optimisedCostModels,
    TestOutcome outcome,
    SamplingOptions sampling,
    String promptsSha256,
    String costsSha256,
    Instant issuedAt,
    String digestSha256) {
  public Certificate {
    optimisedCostModels = List.copyOf(optimisedCostModels);
  }

  /**
   * Issues a certificate.
   *
   * @param issuedAt in whole microseconds: the database keeps no more
   */
  static Certificate issue(
      UUID id,
      UUID testId,
      TestSpec spec,
      TestOutcome outcome,
      List<Double> costs,
      Instant issuedAt) {
    Certificate open =
        new Certificate(
            id,
            testId,
            spec.candidate(),
            spec.costModel(),
            spec.optimisedCostModels(),
            outcome,
            spec.sampling(),
            spec.prompts().sha256(),
            costsSha256(costs),
            issuedAt,
            "");
    return open.withDigest(open.computeDigest());
  }

  private Certificate withDigest(String digest) {
    return new Certificate(
        id,
        testId,
        candidate,
        costModel,
        optimisedCostModels,
        outcome,
        sampling,
        promptsSha256,
        costsSha256,
        issuedAt,
        digest);
  }

  /** SHA-256 over costs in their order, as IEEE 754 doubles, big-endian. */
  public static String costsSha256(List<Double> costs) {
    ByteBuffer bytes = ByteBuffer.allocate(costs.size() * Double.BYTES);
    costs.forEach(bytes::putDouble);
    return Sha256.of(bytes.array());
  }

  /** The digest that this certificate must carry. */
  public String computeDigest() {
    return form().sha256();
  }

  /** All fields but the digest, in their canonical form. */
  String canonical() {
    return form().toString();
  }

  private CanonicalForm form() {
    SafetyTestNumbers numbers = outcome.numbers();
    CanonicalForm form =
        new CanonicalForm()
            .add("certificate_id", id.toString())
            .add("test_id", testId.toString())
            .add("candidate", candidate)
            .add("cost_model", costModel)
            .add("optimised_cost_models", optimisedCostModels.size());
    for (int i = 0; i < optimisedCostModels.size(); i++) {
      form.add("optimised_cost_models[" + i + "]", optimisedCostModels.get(i));
    }
    form.add("outcome.n", numbers.n())
        .add("outcome.mean_cost", numbers.meanCost())
        .add("outcome.std_cost", numbers.stdCost())
        .add("outcome.upper_bound", numbers.upperBound())
        .add("outcome.threshold", numbers.threshold())
        .add("outcome.delta", numbers.delta())
        .add("outcome.bound_method", numbers.method().name())
        .add("outcome.failed_items_count", outcome.failedItems())
        .add("sampling.temperature", sampling.temperature())
        .add("sampling.top_k", sampling.topK())
        .add("sampling.top_p", sampling.topP())
        .add("sampling.max_new_tokens", sampling.maxNewTokens())
        .add("sampling.stop_strings", sampling.stopStrings().size());
    for (int i = 0; i < sampling.stopStrings().size(); i++) {
      form.add("sampling.stop_strings[" + i + "]", sampling.stopStrings().get(i));
    }
    return form.add("sampling.seed", sampling.seed())
        .add("prompts_sha256", promptsSha256)
        .add("costs_sha256", costsSha256)
        .add("issue_time", issuedAt);
  }
}
