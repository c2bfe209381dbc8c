package io.ballast.loadtest.bench;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Calls of Score as the benchmarks make them, each about completions of a prompt of its own.
 *
 * @param texts says which prompt is next
 * @param model the ensemble
 * @param priority the callers' lane
 * @param items completions of a call, ≥ 1
 */
record RewardCalls(RewardTexts texts, String model, Priority priority, int items) {
  /** Long enough for a thousand callers that all ask at once. */
  static final int DEADLINE_SECONDS = 120;

  /** The request about the completions of a prompt. */
  ScoreRequest request(long index) {
    return request(RewardTexts.prompt(index), BenchTexts.completions(items));
  }

  /** The request about these completions of a prompt, which may be empty. */
  ScoreRequest request(String prompt, List<String> completions) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("bench").setPriority(priority))
            .setRewardModel(ModelSelector.newBuilder().setModel(model))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    TextOrTokens asked = text(prompt);
    for (String completion : completions) {
      request.addItems(ScoreItem.newBuilder().setPrompt(asked).setCompletion(text(completion)));
    }
    return request.build();
  }

  /** Makes one call; every item must have a value. */
  long ask(RewardServiceBlockingStub stub) {
    return ask(stub, request(texts.next())).getResultsCount();
  }

  /** Makes a call of which every item must have a value. */
  static ScoreResponse ask(RewardServiceBlockingStub stub, ScoreRequest request) {
    return whole(stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).score(request));
  }

  /**
   * Returns an answer of which every item has a value.
   *
   * @throws IllegalStateException with the first failure otherwise
   */
  static ScoreResponse whole(ScoreResponse answer) {
    answer
        .getResultsList()
        .forEach(
            result -> {
              if (result.hasFailure()) {
                throw new IllegalStateException("Score: " + result.getFailure());
              }
            });
    return answer;
  }

  /** What an answer is worth: one of which an item has no value is none. */
  static Outcome outcome(ScoreResponse answer) {
    return answer.getResultsList().stream().anyMatch(result -> result.hasFailure())
        ? Outcome.failed("ITEM_FAILED")
        : Outcome.answered("SCORED");
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
