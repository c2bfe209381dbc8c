package io.ballast.bulk;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The items of one batch and what is known of each; one thread at a time, for attempts follow each
 * other.
 */
final class Question {
  private final List<ScoreItem> items = new ArrayList<>();
  private final Map<String, ScoreResult> results = new LinkedHashMap<>();
  private int calls;

  Question(Batch batch) {
    for (Row row : batch.rows()) {
      for (String completion : row.completions()) {
        items.add(
            ScoreItem.newBuilder()
                .setItemId(Integer.toString(items.size()))
                .setPrompt(TextOrTokens.newBuilder().setText(row.prompt()))
                .setCompletion(TextOrTokens.newBuilder().setText(completion))
                .putAllReferences(row.references())
                .build());
      }
    }
  }

  /** Whether every item has its value, or a failure that another call would not mend. */
  boolean settled() {
    return open().isEmpty();
  }

  /** How often it was asked. */
  int calls() {
    return calls;
  }

  /** Returns the request for what is open. */
  ScoreRequest request(ScoreRequest template) {
    calls++;
    return template.toBuilder().addAllItems(open()).build();
  }

  private List<ScoreItem> open() {
    return items.stream().filter(item -> open(results.get(item.getItemId()))).toList();
  }

  private static boolean open(@Nullable ScoreResult result) {
    if (result == null) {
      return true;
    }
    FailureReason reason = result.getFailure().getReason();
    return result.hasFailure()
        && (reason == FailureReason.FAILURE_REASON_OVERLOADED
            || reason == FailureReason.FAILURE_REASON_DEADLINE);
  }

  /**
   * Takes an answer.
   *
   * @throws StoppedException if it is not one to this question
   */
  void answer(ScoreResponse response) throws StoppedException {
    List<ScoreItem> asked = open();
    if (response.getResultsCount() != asked.size()) {
      throw new StoppedException(
          1, "%,d results for %,d items".formatted(response.getResultsCount(), asked.size()));
    }
    for (int i = 0; i < asked.size(); i++) {
      ScoreResult result = response.getResults(i);
      String id = asked.get(i).getItemId();
      if (!result.getItemId().equals(id)) {
        throw new StoppedException(
            1, "results[%d]: item %s (expected: %s)".formatted(i, result.getItemId(), id));
      }
      results.put(id, checked(result));
    }
  }

  /** What is neither a finite value nor a failure becomes a failure. */
  private static ScoreResult checked(ScoreResult result) {
    if (result.hasFailure() || (result.hasValue() && Double.isFinite(result.getValue()))) {
      return result;
    }
    String message =
        result.hasValue() ? "value: " + result.getValue() : "neither value nor failure";
    return ScoreResult.newBuilder()
        .setItemId(result.getItemId())
        .setFailure(
            ItemFailure.newBuilder()
                .setReason(FailureReason.FAILURE_REASON_MODEL_ERROR)
                .setMessage(message + " (expected: a finite number)"))
        .build();
  }

  /**
   * Returns the results of a row's completions, those from {@code first} on; an item without one is
   * absent.
   */
  List<Optional<ScoreResult>> results(int first, int count) {
    List<Optional<ScoreResult>> of = new ArrayList<>();
    for (int i = first; i < first + count; i++) {
      of.add(Optional.ofNullable(results.get(Integer.toString(i))));
    }
    return of;
  }
}
