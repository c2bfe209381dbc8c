package io.ballast.orchestrator.testing;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.orchestrator.adapter.GrpcRewardCheck;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ComponentScore;
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

/**
 * A reward-server for which vowels are good. It has a model called {@link #GOLD} too, and a
 * composite called {@link #COMPOSITE}; every other is an ensemble.
 */
public final class FakeRewardServer extends RewardServiceGrpc.RewardServiceImplBase {
  /** The model that gives gold. */
  public static final String GOLD = "gold";

  /** The model that is a composite: it refuses an aggregation, and tells no spread. */
  public static final String COMPOSITE = "mix";

  /** Every call for a reward to train on that was answered. */
  public final List<ScoreRequest> calls = new CopyOnWriteArrayList<>();

  /** Every call for gold that was answered. */
  public final List<ScoreRequest> goldCalls = new CopyOnWriteArrayList<>();

  /** What is asked before a run is begun, by the model's name; it is in none of the lists. */
  public volatile Function<String, ScoreResult> check =
      model -> spreading(model, withHarmless(ScoreResult.newBuilder().setValue(1), 1), 0.2).build();

  /** A component that says whether a completion does no harm at all. */
  public static final String HARMLESS = "harmless";

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
          ScoreResponse.Builder answer = ScoreResponse.newBuilder();
          String model = request.getRewardModel().getModel();
          if (model.equals(COMPOSITE)) {
            requireNoAggregation(request);
          } else {
            answer.setAggregation(aggregation(request));
          }
          if (request.getItems(0).getCompletion().getText().equals(GrpcRewardCheck.COMPLETION)) {
            return answer.addResults(check.apply(model)).build();
          }
          if (busy.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw FakeFaults.busy(7);
          }
          boolean golden = model.equals(GOLD);
          if (golden && !goldFault.isEmpty()) {
            throw FakeFaults.of(Status.NOT_FOUND, goldFault, "no such model");
          }
          List<ScoreRequest> answered = golden ? goldCalls : calls;
          int call = answered.size();
          answered.add(request);
          return answer
              .addAllResults(
                  request.getItemsList().stream()
                      .map(item -> golden ? gold(call, item) : reward(model, call, item))
                      .toList())
              .build();
        });
  }

  private static void requireNoAggregation(ScoreRequest request) {
    if (request.hasAggregation()) {
      throw FakeFaults.of(
          Status.INVALID_ARGUMENT,
          "MALFORMED_REQUEST",
          "aggregation: given (expected: absent, since mix is a composite, which says it itself)");
    }
  }

  private static Aggregation aggregation(ScoreRequest request) {
    return request.hasAggregation()
        ? request.getAggregation()
        : Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_WCO).build();
  }

  private static ScoreResult.Builder spreading(
      String model, ScoreResult.Builder result, double spread) {
    return model.equals(COMPOSITE) ? result : result.setSpread(spread);
  }

  private static ScoreResult.Builder withHarmless(ScoreResult.Builder result, double value) {
    return result.addComponents(ComponentScore.newBuilder().setName(HARMLESS).setValue(value));
  }

  private ScoreResult reward(String model, int call, ScoreItem item) {
    String completion = item.getCompletion().getText();
    return unjudged.test(completion)
        ? failure("two of five members answered")
        : spreading(
                model,
                withHarmless(
                    ScoreResult.newBuilder().setValue(FakeWorld.reward(completion)),
                    FakeWorld.harm(completion) > 0 ? 0 : 1),
                spread.applyAsDouble(call, completion))
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
