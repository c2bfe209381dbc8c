package io.ballast.reward.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.Truncation;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.grpc.ScoreCalls.Outcome;
import io.ballast.reward.grpc.ScoreCalls.Scored;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * vLLM's classification of texts, which verl asks of a reward model: each text is a prompt with its
 * completion, in the model's template. verl reads the last of {@code probs} as the score and asks
 * that no activation be applied, so there is one class, and the reward stands there as it is: no
 * probability.
 */
final class Classify implements Dialect {
  private static final String INPUT = "input";
  private static final String MODEL = "model";
  private static final String TRUNCATE = "truncate_prompt_tokens";
  private static final List<String> ACTIVATIONS =
      List.of("use_activation", "activation", "softmax");
  private static final Set<String> FIELDS = new TreeSet<>(ACTIVATIONS);

  static {
    FIELDS.addAll(Set.of(INPUT, MODEL, TRUNCATE));
  }

  /** The one class. */
  private static final String LABEL = "reward";

  private final InstantSource clock;

  Classify(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public String path() {
    return "/classify";
  }

  @Override
  public String texts() {
    return INPUT;
  }

  @Override
  public Set<String> parameters() {
    return Options.COMMON;
  }

  @Override
  public Set<String> fields(Options options) {
    return FIELDS;
  }

  @Override
  public ScoreCommand read(JsonBody body, Options options) {
    for (String activation : ACTIVATIONS) {
      if (body.isTrue(activation)) {
        throw Texts.malformed(
            activation, "true (expected: false or absent; a reward is no probability)");
      }
    }
    if (body.has(TRUNCATE)) {
      throw Texts.malformed(TRUNCATE, "present (expected: absent; a text is scored whole)");
    }
    List<String> texts =
        body.textOrTexts(texts())
            .orElseThrow(() -> Texts.malformed(texts(), "absent (expected: a text, or a list)"));
    List<ScoreItem> items = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      items.add(
          new ScoreItem(
              "", "items[" + i + "]", new Content.Text(""), new Content.Text(texts.get(i))));
    }
    return new ScoreCommand(
        options.behalf(),
        options.lane(),
        Options.model(body.text(MODEL).orElse("")),
        options.aggregation(),
        Truncation.REFUSE,
        false,
        items);
  }

  @Override
  public ObjectNode write(Scored scored, List<Outcome.Value> rewards) {
    ObjectNode answer =
        JsonNodeFactory.instance
            .objectNode()
            .put("id", "classify-" + scored.requestId())
            .put("object", "list")
            .put("created", clock.instant().getEpochSecond())
            .put("model", scored.by().model() + "/" + scored.by().version());
    ArrayNode data = answer.putArray("data");
    for (int i = 0; i < rewards.size(); i++) {
      ObjectNode item = data.addObject().put("index", i).put("label", LABEL);
      item.putArray("probs").add(rewards.get(i).reward());
      item.put("num_classes", 1);
    }
    answer.putObject("usage"); // Score does not tell how many tokens it read
    return answer;
  }
}
