package io.ballast.policy.testing;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** A reward-server whose rewards a test makes up; at first a text's length. */
public final class FakeRewardServer extends RewardServiceGrpc.RewardServiceImplBase {
  public static final ModelVersion MODEL =
      ModelVersion.newBuilder().setModel("java-reward").setVersion("1").build();

  static final ItemFailure LATE =
      ItemFailure.newBuilder()
          .setReason(FailureReason.FAILURE_REASON_DEADLINE)
          .setMessage("no answer after 1 ms")
          .build();

  /** The reward of a completion. */
  public volatile ToDoubleFunction<String> reward = String::length;

  /** Whether every call fails with UNAVAILABLE. */
  public volatile boolean down;

  /** Which completions' rewards come too late for an answer that has the others. */
  public volatile Predicate<String> late = completion -> false;

  /** What was asked. */
  public final List<ScoreRequest> requests = new CopyOnWriteArrayList<>();

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    requests.add(request);
    if (down) {
      observer.onError(Status.UNAVAILABLE.withDescription("drained").asRuntimeException());
      return;
    }
    ScoreResponse.Builder response = ScoreResponse.newBuilder().setModelVersion(MODEL);
    request
        .getItemsList()
        .forEach(item -> response.addResults(result(item.getCompletion().getText())));
    observer.onNext(response.build());
    observer.onCompleted();
  }

  private ScoreResult result(String completion) {
    return late.test(completion)
        ? ScoreResult.newBuilder().setFailure(LATE).build()
        : ScoreResult.newBuilder()
            .setValue(reward.applyAsDouble(completion))
            .setSpread(0.25)
            .build();
  }
}
