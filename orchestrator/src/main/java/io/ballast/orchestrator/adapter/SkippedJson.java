package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.run.Run;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The samples of a skipped update as JSON, within a size. A number that is not finite, which JSON
 * has not, is a string.
 */
final class SkippedJson {
  private static final int END = 64; // bytes of what is written last

  private final ArrayNode groups;
  private long room;
  private int leftOut;

  private SkippedJson(ArrayNode groups, long room) {
    this.groups = groups;
    this.room = room;
  }

  /**
   * Writes {@code groups}; completions for which there is no room are counted in {@code
   * completions_left_out}.
   */
  static byte[] write(Run run, int iteration, String why, List<JudgedGroup> groups, int mostBytes) {
    ObjectNode json =
        StateJson.MAPPER
            .createObjectNode()
            .put("run_id", run.runId())
            .put("run", run.name())
            .put("iteration", iteration)
            .put("why", why);
    SkippedJson written = new SkippedJson(json.putArray("groups"), mostBytes - END - bytes(json));
    groups.forEach(written::add);
    json.put("completions_left_out", written.leftOut);
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private void add(JudgedGroup group) {
    ObjectNode json = StateJson.MAPPER.createObjectNode().put("prompt", group.prompt());
    ArrayNode tokens = json.putArray("prompt_tokens");
    for (int token : group.promptTokens().toArray()) {
      tokens.add(token);
    }
    ArrayNode completions = json.putArray("completions");
    ArrayNode beside = json.putArray("beside");
    if (fits(json)) {
      groups.add(json);
      group.completions().forEach(each -> add(completions, each));
      group.beside().forEach(each -> add(beside, each));
    } else {
      leftOut += group.completions().size() + group.beside().size();
    }
  }

  private void add(ArrayNode to, JudgedCompletion judged) {
    ObjectNode json = completion(judged);
    if (fits(json)) {
      to.add(json);
    } else {
      leftOut++;
    }
  }

  /** Takes the room of {@code json}, if there is as much. */
  private boolean fits(JsonNode json) {
    int bytes = bytes(json);
    if (bytes > room) {
      return false;
    }
    room -= bytes;
    return true;
  }

  /** With a comma. */
  private static int bytes(JsonNode json) {
    return json.toString().getBytes(StandardCharsets.UTF_8).length + 1;
  }

  private static ObjectNode completion(JudgedCompletion judged) {
    SampledCompletion completion = judged.completion();
    ObjectNode json =
        StateJson.MAPPER
            .createObjectNode()
            .put("text", completion.text())
            .put("truncated", completion.truncated())
            .put("label", completion.label().name());
    ArrayNode tokens = json.putArray("tokens");
    for (int token : completion.tokens().toArray()) {
      tokens.add(token);
    }
    ArrayNode logProbs = json.putArray("served_log_probs");
    for (float logProb : completion.logProbs().toArray()) {
      logProbs.add(logProb);
    }
    judged.reward().ifPresent(reward -> json.put("reward", reward));
    judged.spread().ifPresent(spread -> json.put("spread", spread));
    ArrayNode costs = json.putArray("costs");
    judged.costs().forEach(cost -> costs.add(cost));
    return json;
  }
}
