package io.ballast.orchestrator.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RewardCheck;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Asks the reward-server's Score for the reward of one completion. */
public final class GrpcRewardCheck implements RewardCheck {
  /** The completion that is asked about; what its reward is does not matter. */
  public static final String COMPLETION = "x = 0;";

  /** Nobody who creates a run waits longer for a component that hangs. */
  private static final Duration MOST = Duration.ofSeconds(5);

  /** What the reward-server's messages call a request's own field. */
  private static final String AGGREGATION = "aggregation";

  private final RewardServiceGrpc.RewardServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of the call; at most 5 s are used
   */
  public GrpcRewardCheck(Channel rewardServer, Duration timeout) {
    this.stub = RewardServiceGrpc.newBlockingStub(rewardServer);
    this.timeout = timeout.compareTo(MOST) < 0 ? timeout : MOST;
  }

  @Override
  public void require(String tenant, String path, RewardSpec spec, String prompt) {
    ScoreRequest request =
        GrpcRewards.request(tenant, spec)
            .addItems(
                ScoreItem.newBuilder()
                    .setPrompt(PeerCalls.text(prompt))
                    .setCompletion(PeerCalls.text(COMPLETION)))
            .build();
    try {
      stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
          .score(request)
          .getResultsList()
          .forEach(result -> requireJudged(path, spec, result));
    } catch (StatusRuntimeException e) {
      refuse(path, e);
    }
  }

  private static void requireJudged(String path, RewardSpec spec, ScoreResult result) {
    if (result.getFailure().getReason() == FailureReason.FAILURE_REASON_INVALID_INPUT) {
      throw Faults.malformed(
          path,
          "%s cannot reward a completion of a run: %s"
              .formatted(spec.model(), result.getFailure().getMessage()));
    }
  }

  private static void refuse(String path, StatusRuntimeException thrown) {
    String words = String.valueOf(thrown.getStatus().getDescription());
    if (thrown.getStatus().getCode() == Status.Code.INVALID_ARGUMENT) {
      throw words.startsWith(AGGREGATION + ": ")
          ? Faults.malformed(path + "." + AGGREGATION, words.substring(AGGREGATION.length() + 2))
          : Faults.malformed(path, words);
    }
    RuntimeException judged = PeerCalls.judge(thrown, PeerCalls.REWARD_SERVER);
    if (!(judged instanceof MeshException known)) {
      throw judged; // whoever creates the run has left
    }
    Fault fault = known.fault();
    if (!Patience.mayPass(fault)) {
      throw new MeshException(fault, path + ": " + known.getMessage(), known);
    }
  }
}
