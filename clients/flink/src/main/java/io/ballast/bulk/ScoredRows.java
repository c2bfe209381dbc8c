package io.ballast.bulk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ScoreResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Writes rows with their results: a value or a typed failure for each completion, never one in
 * place of the other.
 */
final class ScoredRows {
  /** Names of counts, beside the reasons of failures. */
  static final String ROWS = "rows";

  static final String VALUES = "values";
  static final String RETRIES = "retries";

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final String model;

  /**
   * Creates it.
   *
   * @param model what scores, NAME/VERSION
   */
  ScoredRows(String model) {
    this.model = model;
  }

  /**
   * Returns the batch with what is known of it.
   *
   * @param rest the failure of items that have no result
   */
  ScoredBatch write(Batch batch, Question question, Failure rest) {
    List<String> lines = new ArrayList<>();
    Map<String, Long> counts = new TreeMap<>();
    int item = 0;
    for (Row row : batch.rows()) {
      int count = row.completions().size();
      lines.add(line(row, question.results(item, count), rest, counts).toString());
      item += count;
    }
    counts.put(ROWS, (long) batch.rows().size());
    counts.put(RETRIES, (long) Math.max(0, question.calls() - 1));
    return new ScoredBatch(lines, counts);
  }

  private ObjectNode line(
      Row row, List<Optional<ScoreResult>> results, Failure rest, Map<String, Long> counts) {
    ObjectNode line = NODES.objectNode();
    JsonNode id = RowReader.idOf(row);
    if (!id.isMissingNode()) {
      line.set("id", id);
    }
    line.put("file", row.file()).put("line", row.line());
    Failure problem = row.problem();
    if (problem != null) {
      line.set("failure", failure(problem, counts));
      return line;
    }
    line.put("model", model);
    ArrayNode all = line.putArray("results");
    for (Optional<ScoreResult> result : results) {
      all.add(
          result
              .map(there -> result(there, counts))
              .orElseGet(() -> NODES.objectNode().set("failure", failure(rest, counts))));
    }
    return line;
  }

  private static ObjectNode result(ScoreResult result, Map<String, Long> counts) {
    ObjectNode node = NODES.objectNode();
    if (result.hasValue()) {
      counts.merge(VALUES, 1L, Long::sum);
      node.put("value", result.getValue());
      if (result.hasSpread()) {
        node.put("spread", result.getSpread());
      }
    } else {
      node.set("failure", failure(failure(result), counts));
    }
    if (result.hasPromptCut()) {
      node.put("dropped_tokens", result.getPromptCut().getDroppedTokens());
    }
    if (result.getComponentsCount() > 0) {
      ObjectNode components = node.putObject("components");
      for (ComponentScore component : result.getComponentsList()) {
        if (component.hasValue()) {
          components.put(component.getName(), component.getValue());
        }
      }
    }
    return node;
  }

  private static Failure failure(ScoreResult result) {
    FailureReason reason = result.getFailure().getReason();
    return new Failure(
        reason.name().replaceFirst("^FAILURE_REASON_", ""), result.getFailure().getMessage());
  }

  private static ObjectNode failure(Failure failure, Map<String, Long> counts) {
    counts.merge(failure.reason(), 1L, Long::sum);
    return NODES.objectNode().put("reason", failure.reason()).put("message", failure.message());
  }
}
