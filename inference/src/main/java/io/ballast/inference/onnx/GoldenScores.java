package io.ballast.inference.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a scoring model said of some completions when it was published, kept in its folder as {@code
 * golden.json}. Weights may be whole and the scores wrong all the same: another engine, another
 * tokenizer, other arithmetic. A model whose golden scores do not come out again does not serve.
 *
 * @param tolerance how far a raw score may be off, &gt; 0
 * @param items at least one
 */
public record GoldenScores(double tolerance, List<Item> items) {
  /** How far a raw score may usually be off, in 32 bits. */
  public static final double USUAL_TOLERANCE = 1e-3;

  /** The file's name. */
  public static final String FILE = "golden.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One completion.
   *
   * @param prompt shape [P], P ≥ 1
   * @param completion shape [T], T ≥ 1
   * @param scores shape [K], raw, finite
   * @param objectives shape [K][O]: what the scores are sums of, raw, finite; empty if members do
   *     not judge by several objectives, or the version kept the sums alone
   */
  public record Item(
      TokenIds prompt, TokenIds completion, List<Float> scores, List<List<Float>> objectives) {
    public Item {
      scores = List.copyOf(scores);
      objectives = objectives.stream().map(List::copyOf).toList();
    }

    /** One without objectives. */
    public Item(TokenIds prompt, TokenIds completion, List<Float> scores) {
      this(prompt, completion, scores, List.of());
    }
  }

  /** Checks the ranges above. */
  public GoldenScores {
    items = List.copyOf(items);
    if (!(tolerance > 0 && Double.isFinite(tolerance))) {
      throw new IllegalArgumentException("tolerance: " + tolerance + " (expected: > 0)");
    }
    if (items.isEmpty()) {
      throw new IllegalArgumentException("items: none (expected: at least one)");
    }
  }

  /**
   * Asks {@code scorer} and keeps what it says; completions that it refuses are left out.
   *
   * @throws IllegalArgumentException if it refuses all of them
   */
  public static GoldenScores of(
      CompletionScorer scorer, List<ScoringGroup> groups, double tolerance) {
    List<List<ScoreOutcome>> outcomes = scorer.score(groups);
    List<Item> items = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      ScoringGroup group = groups.get(g);
      for (int i = 0; i < group.completions().size(); i++) {
        if (outcomes.get(g).get(i) instanceof ScoreOutcome.Scored scored) {
          items.add(
              new Item(
                  group.prompt(),
                  group.completions().get(i),
                  scored.scores(),
                  scored.objectives()));
        }
      }
    }
    return new GoldenScores(tolerance, items);
  }

  /**
   * Lets a folder keep what its model says of {@code groups}, as the engine that will serve it
   * computes it. Its manifest is its writer's to bring up to date.
   *
   * @param trunk the decoder's folder
   * @param work folder for the graph
   * @throws ModelException if the folder does not open
   * @throws IllegalArgumentException if all completions are refused
   */
  public static void keep(
      Path folder, Path trunk, List<ScoringGroup> groups, double tolerance, Path work)
      throws IOException {
    try (OnnxScorer scorer = OnnxScorer.open(trunk, folder, work, 1)) {
      of(scorer, groups, tolerance).write(folder);
    }
  }

  /**
   * Reads what a folder keeps; empty if it keeps none.
   *
   * @throws ModelException INVALID_FOLDER if the file is not what it should be, named
   */
  public static Optional<GoldenScores> read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(file.toFile());
      List<Item> items = new ArrayList<>();
      for (JsonNode item : json.path("items")) {
        List<List<Float>> objectives = new ArrayList<>();
        item.path("objectives").forEach(member -> objectives.add(numbers(member)));
        items.add(
            new Item(
                tokens(item, "prompt"),
                tokens(item, "completion"),
                numbers(item.path("scores")),
                objectives));
      }
      return Optional.of(new GoldenScores(json.path("tolerance").asDouble(), items));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /** Writes them into a folder. */
  public void write(Path folder) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("tolerance", tolerance);
    ArrayNode list = json.putArray("items");
    for (Item item : items) {
      ObjectNode entry = list.addObject();
      put(entry.putArray("prompt"), item.prompt());
      put(entry.putArray("completion"), item.completion());
      put(entry.putArray("scores"), item.scores());
      if (!item.objectives().isEmpty()) {
        ArrayNode objectives = entry.putArray("objectives");
        item.objectives().forEach(member -> put(objectives.addArray(), member));
      }
    }
    Files.writeString(folder.resolve(FILE), JSON.writeValueAsString(json) + "\n");
  }

  /**
   * Asks {@code scorer} again. What is said by each objective may be off by the tolerance, and by
   * no more than the usual one: a sum may be off by more, since it takes what a head is off times
   * weight over deviation.
   *
   * @param folder that keeps them, for messages
   * @throws ModelException BROKEN if a score is missing or too far off, named
   */
  public void check(CompletionScorer scorer, Path folder) {
    List<ScoringGroup> groups =
        items.stream()
            .map(item -> new ScoringGroup(item.prompt(), List.of(item.completion())))
            .toList();
    List<List<ScoreOutcome>> outcomes = scorer.score(groups);
    for (int i = 0; i < items.size(); i++) {
      check(
          folder.resolve(FILE) + ": items[" + i + "]: ", items.get(i), outcomes.get(i).getFirst());
    }
  }

  private void check(String at, Item kept, ScoreOutcome outcome) {
    switch (outcome) {
      case Refusal refusal ->
          throw broken(at, "%s: %s".formatted(refusal.reason(), refusal.detail()));
      case ScoreOutcome.Scored scored -> {
        compare(at, "scores", "member %d scores", scored.scores(), kept.scores(), tolerance);
        if (kept.objectives().isEmpty()) {
          return;
        }
        if (scored.objectives().size() != kept.objectives().size()) {
          throw broken(
              at,
              "objectives of %d members (expected: %d)"
                  .formatted(scored.objectives().size(), kept.objectives().size()));
        }
        for (int k = 0; k < kept.objectives().size(); k++) {
          compare(
              at,
              "objectives",
              "member " + k + " by objective %d scores",
              scored.objectives().get(k),
              kept.objectives().get(k),
              Math.min(tolerance, USUAL_TOLERANCE));
        }
      }
    }
  }

  private static void compare(
      String at, String all, String each, List<Float> said, List<Float> kept, double allowed) {
    if (said.size() != kept.size()) {
      throw broken(at, "%d %s (expected: %d)".formatted(said.size(), all, kept.size()));
    }
    for (int i = 0; i < kept.size(); i++) {
      if (!(Math.abs(said.get(i) - kept.get(i)) <= allowed)) {
        throw broken(
            at,
            each.formatted(i)
                + " %s (expected: %s ± %s)".formatted(said.get(i), kept.get(i), allowed));
      }
    }
  }

  private static ModelException broken(String at, String what) {
    return new ModelException(Reason.BROKEN, at + what);
  }

  private static void put(ArrayNode array, TokenIds tokens) {
    for (int i = 0; i < tokens.size(); i++) {
      array.add(tokens.get(i));
    }
  }

  private static void put(ArrayNode array, List<Float> numbers) {
    numbers.forEach(array::add);
  }

  private static List<Float> numbers(JsonNode list) {
    List<Float> numbers = new ArrayList<>();
    list.forEach(number -> numbers.add(number.floatValue()));
    return numbers;
  }

  private static TokenIds tokens(JsonNode item, String field) {
    JsonNode list = item.path(field);
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!list.path(i).isInt()) {
        throw new IllegalArgumentException(
            "%s[%d]: %s (expected: a token id)".formatted(field, i, list.path(i)));
      }
      ids[i] = list.path(i).asInt();
    }
    return TokenIds.of(ids);
  }
}
