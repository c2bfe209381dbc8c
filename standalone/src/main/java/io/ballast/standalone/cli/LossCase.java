package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.spec.RecipeReader;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Provenance;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Completions whose numbers are given, and what the first iteration of a recipe makes of them:
 * advantages, loss, gradient. No model runs.
 *
 * @param recipe to learn by
 * @param responseTokens the most that a completion may have, ≥ 1
 * @param batch judged completions with the policy's numbers; each is named "group.completion"
 */
record LossCase(Recipe recipe, int responseTokens, Batch batch) {
  private static final int DEFAULT_RESPONSE_TOKENS = 12;

  /**
   * Reads a case.
   *
   * @param tree the whole case
   * @param recipe its recipe as maps, lists, texts and numbers
   * @throws IllegalArgumentException naming what is wrong by path
   */
  static LossCase read(JsonNode tree, @Nullable Object recipe) {
    requireKeys(tree, "case", List.of("recipe", "max_new_tokens", "groups"));
    int tokens = responseTokens(tree.get("max_new_tokens"));
    List<Group> groups = new ArrayList<>();
    for (JsonNode group : list(tree.get("groups"), "groups")) {
      groups.add(group(group, groups.size()));
    }
    return new LossCase(RecipeReader.read(recipe, tokens), tokens, new Batch(groups));
  }

  private static int responseTokens(@Nullable JsonNode tree) {
    if (tree == null) {
      return DEFAULT_RESPONSE_TOKENS;
    }
    if (!tree.isIntegralNumber() || !tree.canConvertToInt() || tree.asInt() < 1) {
      throw new IllegalArgumentException(
          "max_new_tokens: " + tree + " (expected: a whole number ≥ 1)");
    }
    return tree.asInt();
  }

  private static Group group(JsonNode tree, int index) {
    List<Sample> samples = new ArrayList<>();
    String path = "groups[%d]".formatted(index);
    for (JsonNode completion : list(tree, path)) {
      samples.add(
          sample(completion, "%s[%d]".formatted(path, samples.size()))
              .with(new Provenance(index + "." + samples.size(), "", 0)));
    }
    return new Group(Integer.toString(index), samples);
  }

  private static Sample sample(JsonNode tree, String path) {
    requireKeys(tree, path, List.of("role", "per_token", "per_completion"));
    Map<String, JsonNode> perToken = fields(tree.path("per_token"), path + ".per_token");
    if (perToken.isEmpty()) {
      throw new IllegalArgumentException(
          path + ".per_token: absent (expected: at least one list of numbers)");
    }
    int size = list(perToken.values().iterator().next(), path + ".per_token").size();
    Sample sample =
        Sample.rollout(TokenIds.of(new int[size]))
            .with(
                tree.has("role")
                    ? constant(SampleRole.values(), tree.get("role").asText(), path + ".role")
                    : SampleRole.ROLLOUT);
    for (var entry : perToken.entrySet()) {
      String at = path + ".per_token." + entry.getKey();
      PerTokenName name = constant(PerTokenName.values(), entry.getKey(), at);
      sample = sample.with(name, numbers(entry.getValue(), at));
    }
    for (var entry : fields(tree.path("per_completion"), path + ".per_completion").entrySet()) {
      String at = path + ".per_completion." + entry.getKey();
      PerSequenceName name = constant(PerSequenceName.values(), entry.getKey(), at);
      sample = sample.with(name, number(entry.getValue(), at));
    }
    return sample;
  }

  /**
   * Returns the answer: value, metrics, and of each completion that is learned from its numbers.
   */
  ObjectNode answer() {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    Optional<Batch> prepared =
        new RecipeSteps(recipe, responseTokens).prepare(batch, RecipeState.initial()).batch();
    ArrayNode completions = answer.putArray("completions");
    if (prepared.isEmpty()) {
      return answer.put("signal", false);
    }
    ObjectiveResult result = recipe.objective().evaluate(prepared.get());
    answer.put("signal", true).put("value", result.value());
    ObjectNode metrics = answer.putObject("metrics");
    result.metrics().forEach((metric, value) -> metrics.put(key(metric), value));
    List<Sample> samples = prepared.get().samples();
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      ObjectNode completion =
          completions
              .addObject()
              .put("completion", sample.provenance().sampleId())
              .put("role", sample.role().name());
      ObjectNode perToken = completion.putObject("per_token");
      sample.perToken().names().forEach(name -> put(perToken, key(name), sample.numbers(name)));
      ObjectNode gradient = completion.putObject("gradient");
      result.gradients().get(i).byName().forEach((name, by) -> put(gradient, key(name), by));
    }
    return answer;
  }

  private static void put(ObjectNode node, String key, Numbers numbers) {
    ArrayNode array = node.putArray(key);
    for (double number : numbers.toArray()) {
      array.add(number);
    }
  }

  private static String key(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> E constant(E[] all, String key, String path) {
    return Arrays.stream(all)
        .filter(each -> each.name().equalsIgnoreCase(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s: unknown (known: %s)".formatted(path, String.join(", ", keys(all)))));
  }

  private static List<String> keys(Enum<?>[] all) {
    return Arrays.stream(all).map(LossCase::key).toList();
  }

  private static void requireKeys(JsonNode tree, String path, List<String> known) {
    for (String key : fields(tree, path).keySet()) {
      if (!known.contains(key)) {
        throw new IllegalArgumentException(
            "%s.%s: unknown key (known: %s)".formatted(path, key, String.join(", ", known)));
      }
    }
  }

  private static Map<String, JsonNode> fields(JsonNode tree, String path) {
    if (!tree.isObject() && !tree.isMissingNode()) {
      throw new IllegalArgumentException(path + ": no object (expected: an object with keys)");
    }
    Map<String, JsonNode> fields = new LinkedHashMap<>();
    tree.fields().forEachRemaining(field -> fields.put(field.getKey(), field.getValue()));
    return fields;
  }

  private static JsonNode list(@Nullable JsonNode tree, String path) {
    if (tree == null || !tree.isArray() || tree.isEmpty()) {
      throw new IllegalArgumentException(path + ": no list (expected: a list, not empty)");
    }
    return tree;
  }

  private static double[] numbers(JsonNode tree, String path) {
    double[] numbers = new double[list(tree, path).size()];
    for (int t = 0; t < numbers.length; t++) {
      numbers[t] = number(tree.get(t), "%s[%d]".formatted(path, t));
    }
    return numbers;
  }

  private static double number(JsonNode tree, String path) {
    if (!tree.isNumber()) {
      throw new IllegalArgumentException(path + ": " + tree + " (expected: a number)");
    }
    return tree.asDouble();
  }
}
