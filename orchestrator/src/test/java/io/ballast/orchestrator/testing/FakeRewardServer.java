package io.ballast.orchestrator.testing;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A reward-server for which vowels are good. */
public final class FakeRewardServer extends RewardServiceGrpc.RewardServiceImplBase {
  /** Every call that was answered. */
  public final List<ScoreRequest> calls = new CopyOnWriteArrayList<>();

  /** So many of the next calls are refused with RetryInfo. */
  public final AtomicInteger busy = new AtomicInteger();

  /** Completions that have no reward. */
  public volatile Predicate<String> unjudged = completion -> false;

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          if (busy.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw FakeFaults.busy(7);
          }
          calls.add(request);
          return ScoreResponse.newBuilder()
              .addAllResults(request.getItemsList().stream().map(this::result).toList())
              .build();
        });
  }

  private ScoreResult result(ScoreItem item) {
    String completion = item.getCompletion().getText();
    if (unjudged.test(completion)) {
      return ScoreResult.newBuilder()
          .setFailure(
              ItemFailure.newBuilder()
                  .setReason(FailureReason.FAILURE_REASON_QUORUM_LOST)
                  .setMessage("two of five members answered"))
          .build();
    }
    return ScoreResult.newBuilder()
        .setValue(FakeWorld.reward(completion))
        .setSpread(FakeWorld.spread(completion))
        .build();
  }
}
