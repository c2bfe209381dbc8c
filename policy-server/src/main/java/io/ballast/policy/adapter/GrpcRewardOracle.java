package io.ballast.policy.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.core.suggest.RewardOracle;
import io.ballast.policy.core.suggest.RewardOutcome;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceFutureStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;

/** The rewards of the reward-server, by its default ensemble and aggregation. */
public final class GrpcRewardOracle implements RewardOracle {
  private final RewardServiceFutureStub stub;
  private final Duration timeout;

  /**
   * @param timeout how long a call may take, at most what is left of the caller's deadline
   */
  public GrpcRewardOracle(Channel rewardServer, Duration timeout) {
    this.stub = RewardServiceGrpc.newFutureStub(rewardServer);
    this.timeout = timeout;
  }

  @Override
  public CompletableFuture<List<RewardOutcome>> score(
      Caller caller, String prompt, List<String> completions) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    for (String completion : completions) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(PeerMessages.text(prompt))
              .setCompletion(PeerMessages.text(completion)));
    }
    CallPatience patience = ContextPatience.ofCurrentCall();
    return PeerCalls.read(
        PeerMessages.REWARD_SERVER,
        stub.withDeadlineAfter(timeout).score(request.build()),
        response -> {
          patience.waitedElsewhere(MeshMessages.duration(response.getTiming().getQueueDuration()));
          return outcomes(response, completions.size());
        });
  }

  private static List<RewardOutcome> outcomes(ScoreResponse response, int expected) {
    if (response.getResultsCount() != expected) {
      throw PeerMessages.broken(
          PeerMessages.REWARD_SERVER,
          "%d results (expected: %d)".formatted(response.getResultsCount(), expected));
    }
    PinnedVersion model = MeshMessages.version(response.getModelVersion());
    return response.getResultsList().stream().map(result -> outcome(result, model)).toList();
  }

  private static RewardOutcome outcome(ScoreResult result, PinnedVersion model) {
    return switch (result.getOutcomeCase()) {
      case VALUE -> {
        if (!Double.isFinite(result.getValue()) || !Double.isFinite(result.getSpread())) {
          throw PeerMessages.broken(PeerMessages.REWARD_SERVER, "a reward is not finite");
        }
        yield new RewardOutcome.Scored(
            result.getValue(),
            result.hasSpread() ? OptionalDouble.of(result.getSpread()) : OptionalDouble.empty(),
            model);
      }
      case FAILURE -> new RewardOutcome.Missing(PeerMessages.fault(result.getFailure()));
      case OUTCOME_NOT_SET ->
          throw PeerMessages.broken(PeerMessages.REWARD_SERVER, "a result without an outcome");
    };
  }
}
