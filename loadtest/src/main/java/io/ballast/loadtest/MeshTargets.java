package io.ballast.loadtest;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceFutureStub;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceFutureStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Channel;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/** Calls of the mesh over a channel; each has its own deadline and is answered on a callback. */
final class MeshTargets {
  private MeshTargets() {}

  /**
   * What is asked of Suggest.
   *
   * @param prompts at least one; taken in turns
   * @param withReward whether the reward-server is asked
   * @param withCost whether the safety-server is asked for a cost
   */
  record Suggestions(
      String tenant,
      Priority priority,
      List<String> prompts,
      GateMode gate,
      boolean withReward,
      boolean withCost) {
    SuggestRequest request(long index) {
      return SuggestRequest.newBuilder()
          .setMetadata(metadata(tenant, priority))
          .setPrompt(LoadTexts.prompt(prompts, index))
          .setGateMode(gate)
          .setWithReward(withReward)
          .setWithCost(withCost)
          .build();
    }
  }

  /**
   * What is asked of Score.
   *
   * @param prompts at least one; taken in turns, all items of a call share one. A comment before it
   *     makes it another one each time: what was scored before is not scored again
   * @param items of a call, at least 1
   */
  record Scores(String tenant, Priority priority, List<String> prompts, int items) {
    ScoreRequest request(long index) {
      ScoreRequest.Builder request =
          ScoreRequest.newBuilder()
              .setMetadata(metadata(tenant, priority))
              .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
      for (int i = 0; i < items; i++) {
        request.addItems(
            ScoreItem.newBuilder()
                .setPrompt(text("// " + index + "\n" + LoadTexts.prompt(prompts, index)))
                .setCompletion(text(LoadTexts.COMPLETIONS.get(i % LoadTexts.COMPLETIONS.size()))));
      }
      return request.build();
    }
  }

  /** Suggest; labelled by its decision. */
  static Target suggest(Channel channel, Suggestions what, Duration timeout) {
    PolicyServiceFutureStub stub = PolicyServiceGrpc.newFutureStub(channel);
    return (index, done) ->
        watch(
            stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                .suggest(what.request(index)),
            MeshTargets::outcome,
            done);
  }

  /** Score; a call with an item that has no value has failed, with that item's reason. */
  static Target score(Channel channel, Scores what, Duration timeout) {
    RewardServiceFutureStub stub = RewardServiceGrpc.newFutureStub(channel);
    return (index, done) ->
        watch(
            stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                .score(what.request(index)),
            MeshTargets::outcome,
            done);
  }

  private static Outcome outcome(SuggestResponse answer) {
    return Outcome.answered(without("DECISION_", answer.getDecision().name()));
  }

  private static Outcome outcome(ScoreResponse answer) {
    return answer.getResultsList().stream()
        .filter(result -> result.hasFailure())
        .findFirst()
        .map(result -> result.getFailure().getReason().name())
        .map(reason -> Outcome.failed(without("FAILURE_REASON_", reason)))
        .orElse(Outcome.answered("VALUE"));
  }

  private static String without(String prefix, String name) {
    return name.startsWith(prefix) ? name.substring(prefix.length()) : name;
  }

  private static <T> void watch(
      ListenableFuture<T> answer, Function<T, Outcome> outcome, Consumer<Outcome> done) {
    Futures.addCallback(
        answer,
        new FutureCallback<T>() {
          @Override
          public void onSuccess(T result) {
            done.accept(outcome.apply(result));
          }

          @Override
          public void onFailure(Throwable thrown) {
            done.accept(Outcome.failed(Status.fromThrowable(thrown).getCode().name()));
          }
        },
        MoreExecutors.directExecutor());
  }

  private static RequestMetadata metadata(String tenant, Priority priority) {
    return RequestMetadata.newBuilder().setTenant(tenant).setPriority(priority).build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
