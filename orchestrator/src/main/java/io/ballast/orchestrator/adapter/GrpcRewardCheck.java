package io.ballast.orchestrator.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.PlainWords;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RewardCheck;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks the reward-server's Score for the reward of one completion. */
public final class GrpcRewardCheck implements RewardCheck {
  /** The completion that is asked about; what its reward is does not matter. */
  public static final String COMPLETION = "x = 0;";

  /** Nobody who creates a run waits longer for a component that hangs. */
  private static final Duration MOST = Duration.ofSeconds(5);

  /** What the reward-server says of an aggregation where none belongs. */
  private static final String COMPOSITE = " is a composite";

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
  public Optional<RewardOracle.Outcome> require(
      String tenant, String path, RewardSpec spec, String prompt) {
    return ask(tenant, path, spec, prompt).map(GrpcRewards::outcome);
  }

  @Override
  public void requireComponent(
      String tenant, String path, ModelRef composite, String component, String prompt) {
    List<String> names =
        ask(tenant, path, RewardSpec.composite(composite), prompt).stream()
            .flatMap(result -> result.getComponentsList().stream())
            .map(ComponentScore::getName)
            .toList();
    if (!names.isEmpty() && !names.contains(component)) {
      throw Faults.malformed(
          path,
          "'%s' (expected: a component of %s: %s)"
              .formatted(PlainWords.name(component), composite, String.join(", ", names)));
    }
  }

  /** The result for one completion; empty if nobody answered. */
  private Optional<ScoreResult> ask(String tenant, String path, RewardSpec spec, String prompt) {
    ScoreRequest request =
        GrpcRewards.request(tenant, spec)
            .addItems(
                ScoreItem.newBuilder()
                    .setPrompt(PeerCalls.text(prompt))
                    .setCompletion(PeerCalls.text(COMPLETION)))
            .build();
    try {
      ScoreResponse answer =
          stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS).score(request);
      GrpcRewards.requireAsAsked(aggregation(path), spec, answer);
      answer.getResultsList().forEach(result -> requireJudged(path, spec, result));
      return answer.getResultsList().stream().findFirst();
    } catch (StatusRuntimeException e) {
      refuse(path, spec, e);
      return Optional.empty();
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

  private static String aggregation(String path) {
    return path + "." + GrpcRewards.AGGREGATION;
  }

  private static MeshException refusal(String path, RewardSpec spec, String words) {
    String field = GrpcRewards.AGGREGATION + ": ";
    if (!words.startsWith(field)) {
      return Faults.malformed(path, words);
    }
    return Faults.malformed(
        aggregation(path),
        words.contains(COMPOSITE)
            ? "%s (expected: NONE; %s is a composite)"
                .formatted(spec.aggregation(), spec.model().model())
            : words.substring(field.length()));
  }

  private static void refuse(String path, RewardSpec spec, StatusRuntimeException thrown) {
    if (thrown.getStatus().getCode() == Status.Code.INVALID_ARGUMENT) {
      throw refusal(path, spec, String.valueOf(thrown.getStatus().getDescription()));
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
