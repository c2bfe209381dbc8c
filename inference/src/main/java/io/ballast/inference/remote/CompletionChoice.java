package io.ballast.inference.remote;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.remote.RemoteGeneration.Finish;
import io.ballast.inference.remote.RemoteGeneration.Told;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** One event's choice of a streamed completion, in each of the ways in which servers write it. */
record CompletionChoice(JsonNode json) {
  private static final String ID = "token_id:";

  String text() {
    return json.path("text").asText("");
  }

  /** The tokens drawn; none if the server does not tell the id and log-probability of each. */
  List<Told> told() {
    JsonNode logProbs = json.path("logprobs");
    if (logProbs.has("content")) {
      return objects(logProbs.path("content"));
    }
    JsonNode values = logProbs.path("token_logprobs");
    List<Integer> ids = ids(json.path("token_ids"));
    if (ids.isEmpty()) {
      ids = namedIds(logProbs.path("tokens"));
    }
    if (ids.size() != values.size()) {
      return List.of();
    }
    List<Told> told = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      told.add(new Told(ids.get(i), number(values.path(i))));
    }
    return told;
  }

  /** What is said of the end: vLLM calls what was met stop_reason, SGLang matched_stop. */
  Optional<Finish> finish() {
    String reason = json.path("finish_reason").asText("");
    if (reason.isEmpty() || reason.equals("null")) {
      return Optional.empty();
    }
    JsonNode met = json.path("stop_reason");
    if (!met.isInt() && !met.isTextual()) {
      met = json.path("matched_stop");
    }
    return Optional.of(
        new Finish(
            reason,
            met.isInt() ? OptionalInt.of(met.intValue()) : OptionalInt.empty(),
            met.isTextual() ? Optional.of(met.textValue()) : Optional.empty()));
  }

  /** A list of objects, as llama.cpp tells tokens. */
  private static List<Told> objects(JsonNode content) {
    List<Told> told = new ArrayList<>();
    for (JsonNode token : content) {
      if (!token.path("id").isInt()) {
        return List.of();
      }
      told.add(new Told(token.path("id").intValue(), number(token.path("logprob"))));
    }
    return told;
  }

  private static List<Integer> ids(JsonNode list) {
    List<Integer> ids = new ArrayList<>();
    for (JsonNode id : list) {
      ids.add(id.isInt() ? id.intValue() : -1);
    }
    return ids;
  }

  /** Ids written where others have texts; none if one is a text, which may stand for several. */
  private static List<Integer> namedIds(JsonNode tokens) {
    List<Integer> ids = new ArrayList<>();
    for (JsonNode token : tokens) {
      if (!token.asText().matches(ID + "\\d{1,9}")) {
        return List.of();
      }
      ids.add(Integer.parseInt(token.asText().substring(ID.length())));
    }
    return ids;
  }

  private static double number(JsonNode node) {
    return node.isNumber() ? node.doubleValue() : Double.NaN;
  }
}
