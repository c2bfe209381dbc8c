package io.ballast.reward.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.ballast.reward.component.RemoteComponent;
import io.ballast.reward.component.RemoteReward.Question;
import io.ballast.reward.core.ComponentOutcome;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What goes out to a reward over HTTP, and what its answers mean. */
final class HttpRewardMessages {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // Python writes NaN
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final int SHOWN_CHARACTERS = 200;

  private HttpRewardMessages() {}

  /** What an answer says. */
  sealed interface Answer {
    /** A list of as many as were asked for; each may still be no number. */
    record Rewards(List<JsonNode> each) implements Answer {
      /**
       * One outcome for each.
       *
       * @param peer its name in messages
       */
      List<ComponentOutcome> outcomes(String peer) {
        List<ComponentOutcome> outcomes = new ArrayList<>();
        for (JsonNode reward : each) {
          outcomes.add(
              reward.isNumber() && Double.isFinite(reward.doubleValue())
                  ? new ComponentOutcome.Value(reward.doubleValue(), "")
                  : new ComponentOutcome.Failed(
                      new ItemFault(
                          ItemFault.Reason.MODEL_ERROR,
                          "%s: reward %s (expected: a finite number)"
                              .formatted(
                                  peer,
                                  shown(
                                      reward.isContainerNode()
                                          ? reward.toString()
                                          : reward.asText())))));
        }
        return outcomes;
      }
    }

    /**
     * No rewards.
     *
     * @param verdict what it says of the server there
     */
    record None(ItemFault.Reason reason, String why, Verdict verdict) implements Answer {}
  }

  /** The body of a request. */
  static String request(List<Question> questions, RemoteComponent component) {
    ObjectNode body = JSON.createObjectNode();
    ArrayNode queries = body.putArray("query");
    ArrayNode prompts = body.putArray("prompts");
    for (Question question : questions) {
      queries.add(question.prompt() + question.completion());
      prompts.add(question.prompt());
    }
    if (!component.label().isEmpty()) {
      ArrayNode labels = body.putArray("labels");
      questions.forEach(
          each ->
              labels.add(
                  Objects.requireNonNull(
                      each.candidate().item().references().get(component.label()))));
    }
    return body.toString();
  }

  /**
   * What an answer says.
   *
   * @param questions how many rewards it must have
   */
  static Answer read(HttpResponse<String> response, int questions) {
    if (response.statusCode() == 200) {
      return rewards(response.body(), questions);
    }
    String told = "status %d: %s".formatted(response.statusCode(), shown(response.body()));
    return switch (response.statusCode()) {
      case 408, 504 -> new Answer.None(ItemFault.Reason.DEADLINE, told, Verdict.FAILED);
      case 429 -> new Answer.None(ItemFault.Reason.OVERLOADED, told, Verdict.IGNORED);
      case 401, 403 ->
          none(told + " (expected: 200; it refuses who asks: see token-file, token-variable)");
      case 413 ->
          questions == 1
              ? new Answer.None(ItemFault.Reason.TOO_LONG, told, Verdict.SUCCEEDED)
              : none(RemotePortions.smaller(told, questions));
      default ->
          new Answer.None(
              ItemFault.Reason.MODEL_ERROR,
              told,
              response.statusCode() >= 500 ? Verdict.FAILED : Verdict.SUCCEEDED);
    };
  }

  /** It answered, and with nothing that can be used. */
  private static Answer none(String why) {
    return new Answer.None(ItemFault.Reason.MODEL_ERROR, why, Verdict.SUCCEEDED);
  }

  private static Answer rewards(String body, int questions) {
    JsonNode rewards;
    try {
      rewards = JSON.readTree(body).path("rewards");
    } catch (JsonProcessingException e) {
      return unusable("no JSON: " + shown(body));
    }
    if (!rewards.isArray() || rewards.size() != questions) {
      return unusable(
          "%s (expected: \"rewards\", a list of %,d numbers)"
              .formatted(
                  rewards.isArray() ? "%,d rewards".formatted(rewards.size()) : shown(body),
                  questions));
    }
    List<JsonNode> each = new ArrayList<>();
    rewards.forEach(each::add);
    return new Answer.Rewards(each);
  }

  private static Answer unusable(String why) {
    return new Answer.None(ItemFault.Reason.MODEL_ERROR, why, Verdict.FAILED);
  }

  private static String shown(String text) {
    return "'" + Texts.asLine(text, SHOWN_CHARACTERS) + "'";
  }
}
