package io.ballast.inference.remote;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.api.ReportedWeights;
import java.util.Optional;
import java.util.function.Function;

/** Asks a server what it says of its weights, in each of the places where servers say it. */
final class WeightsQuery {
  /** What SGLang calls weights that nobody named. */
  private static final String NOBODY = "default";

  private final Function<String, Optional<JsonNode>> server;
  private final String model;

  /**
   * Asks of {@code model}.
   *
   * @param server answers a path, or says that it does not know it
   */
  WeightsQuery(Function<String, Optional<JsonNode>> server, String model) {
    this.server = server;
    this.model = model;
  }

  ReportedWeights report() {
    Optional<JsonNode> info = server.apply("model_info").or(() -> server.apply("get_model_info"));
    Optional<String> version =
        info.flatMap(said -> words(said.path("weight_version")))
            .filter(named -> !named.equals(NOBODY));
    Optional<String> source =
        info.flatMap(said -> words(said.path("model_path")))
            .or(() -> server.apply("v1/models").flatMap(this::root))
            .or(() -> server.apply("props").flatMap(said -> words(said.path("model_path"))));
    return new ReportedWeights(version, source);
  }

  /** Where vLLM read the model of our name. */
  private Optional<String> root(JsonNode models) {
    for (JsonNode served : models.path("data")) {
      if (served.path("id").asText().equals(model)) {
        return words(served.path("root"));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> words(JsonNode node) {
    return node.isTextual() || node.isNumber()
        ? Optional.of(node.asText()).filter(words -> !words.isBlank())
        : Optional.empty();
  }
}
