package io.ballast.policy.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.core.suggest.CostOracle;
import io.ballast.policy.core.suggest.CostOutcome;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceFutureStub;
import io.ballast.safety.v1.Verdict;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The costs and verdicts of the safety-server, at its display threshold. */
public final class GrpcCostOracle implements CostOracle {
  private final SafetyServiceFutureStub stub;
  private final Duration timeout;

  /**
   * @param timeout how long a call may take, at most what is left of the caller's deadline
   */
  public GrpcCostOracle(Channel safetyServer, Duration timeout) {
    this.stub = SafetyServiceGrpc.newFutureStub(safetyServer);
    this.timeout = timeout;
  }

  @Override
  public CompletableFuture<List<CostOutcome>> judge(
      Caller caller, String prompt, List<String> completions) {
    CostRequest.Builder request =
        CostRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    for (String completion : completions) {
      request.addItems(
          CostItem.newBuilder()
              .setPrompt(PeerMessages.text(prompt))
              .setCompletion(PeerMessages.text(completion)));
    }
    CallPatience patience = ContextPatience.ofCurrentCall();
    return PeerCalls.read(
        PeerMessages.SAFETY_SERVER,
        stub.withDeadlineAfter(timeout).cost(request.build()),
        response -> {
          patience.waitedElsewhere(MeshMessages.duration(response.getTiming().getQueueDuration()));
          return outcomes(response, completions.size());
        });
  }

  private static List<CostOutcome> outcomes(CostResponse response, int expected) {
    if (response.getResultsCount() != expected) {
      throw PeerMessages.broken(
          PeerMessages.SAFETY_SERVER,
          "%d results (expected: %d)".formatted(response.getResultsCount(), expected));
    }
    PinnedVersion model = MeshMessages.version(response.getModelVersion());
    return response.getResultsList().stream()
        .map(result -> outcome(result, response.getThreshold(), model))
        .toList();
  }

  /** Anything but a clear ALLOW counts as BLOCK. */
  private static CostOutcome outcome(CostResult result, double threshold, PinnedVersion model) {
    return switch (result.getOutcomeCase()) {
      case VALUE -> {
        double harm = result.getValue().getHarmProbability();
        boolean holds = harm >= 0 && harm <= 1;
        if (!holds) {
          throw PeerMessages.broken(
              PeerMessages.SAFETY_SERVER, "harm_probability: " + harm + " (expected: 0 to 1)");
        }
        yield new CostOutcome.Estimated(
            harm, threshold, result.getVerdict() != Verdict.VERDICT_ALLOW, model);
      }
      case FAILURE -> new CostOutcome.Missing(PeerMessages.fault(result.getFailure()));
      case OUTCOME_NOT_SET ->
          throw PeerMessages.broken(PeerMessages.SAFETY_SERVER, "a result without an outcome");
    };
  }
}
