package io.ballast.orchestrator.testing;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.orchestrator.adapter.GrpcRewardCheck;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleBiFunction;

/** A reward-server for which vowels are good, and which has a model called {@link #GOLD} too. */
public final class FakeRewardServer extends RewardServiceGrpc.RewardServiceImplBase {
  /** The model that gives gold. */
  public static final String GOLD = "gold";

  /** Every call for a reward to train on that was answered. */
  public final List<ScoreRequest> calls = new CopyOnWriteArrayList<>();

  /** Every call for gold that was answered. */
  public final List<ScoreRequest> goldCalls = new CopyOnWriteArrayList<>();

  /** What is asked before a run is begun, by the model's name; it is in none of the lists. */
  public volatile Function<String, ScoreResult> check =
      model -> ScoreResult.newBuilder().setValue(1).build();

  /** So many of the next calls are refused with RetryInfo. */
  public final AtomicInteger busy = new AtomicInteger();

  /** Completions that have no reward. */
  public volatile Predicate<String> unjudged = completion -> false;

  /** Completions that have no gold. */
  public volatile Predicate<String> ungolden = completion -> false;

  /** The reason that calls for gold fail with; empty: they do not. */
  public volatile String goldFault = "";

  /** The members' spread about a completion in the n-th call for a reward, from 0. */
  public volatile ToDoubleBiFunction<Integer, String> spread =
      (call, completion) -> FakeWorld.spread(completion);

  /** Gold of a completion in the n-th call for gold, from 0. */
  public volatile ToDoubleBiFunction<Integer, String> gold =
      (call, completion) -> FakeWorld.reward(completion);

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    FakeFaults.answer(
        observer,
        () -> {
          if (request.getItems(0).getCompletion().getText().equals(GrpcRewardCheck.COMPLETION)) {
            return ScoreResponse.newBuilder()
                .addResults(check.apply(request.getRewardModel().getModel()))
                .build();
          }
          if (busy.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw FakeFaults.busy(7);
          }
          boolean golden = request.getRewardModel().getModel().equals(GOLD);
          if (golden && !goldFault.isEmpty()) {
            throw FakeFaults.of(Status.NOT_FOUND, goldFault, "no such model");
          }
          List<ScoreRequest> answered = golden ? goldCalls : calls;
          int call = answered.size();
          answered.add(request);
          return ScoreResponse.newBuilder()
              .addAllResults(
                  request.getItemsList().stream()
                      .map(item -> golden ? gold(call, item) : reward(call, item))
                      .toList())
              .build();
        });
  }

  private ScoreResult reward(int call, ScoreItem item) {
    String completion = item.getCompletion().getText();
    return unjudged.test(completion)
        ? failure("two of five members answered")
        : ScoreResult.newBuilder()
            .setValue(FakeWorld.reward(completion))
            .setSpread(spread.applyAsDouble(call, completion))
            .build();
  }

  private ScoreResult gold(int call, ScoreItem item) {
    String completion = item.getCompletion().getText();
    return ungolden.test(completion)
        ? failure("the judge has left")
        : ScoreResult.newBuilder()
            .setValue(gold.applyAsDouble(call, completion))
            .setSpread(0)
            .build();
  }

  private static ScoreResult failure(String message) {
    return ScoreResult.newBuilder()
        .setFailure(
            ItemFailure.newBuilder()
                .setReason(FailureReason.FAILURE_REASON_QUORUM_LOST)
                .setMessage(message))
        .build();
  }
}
