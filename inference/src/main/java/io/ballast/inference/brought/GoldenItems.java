package io.ballast.inference.brought;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.KeptScores;
import io.ballast.inference.scoring.WholeReading.RowOutcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What brought classifiers said of some completions when they were adopted, kept as {@code
 * golden-items.json}. Unlike those of {@link io.ballast.inference.onnx.GoldenScores}, items are
 * kept as a caller sends them: template and tokenizer must give the same rows again, too.
 *
 * @param tolerance how far a raw score may be off, &gt; 0
 * @param items at least one
 */
public record GoldenItems(double tolerance, List<Item> items) {
  /** The file's name. */
  public static final String FILE = "golden-items.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One completion.
   *
   * @param scores shape [K], as the members gave them, finite
   */
  public record Item(BroughtItem item, List<Double> scores) {
    public Item {
      scores = List.copyOf(scores);
    }
  }

  /** Checks the ranges above. */
  public GoldenItems {
    items = List.copyOf(items);
    if (!(tolerance > 0 && Double.isFinite(tolerance))) {
      throw new IllegalArgumentException("tolerance: " + tolerance + " (expected: > 0)");
    }
    if (items.isEmpty()) {
      throw new IllegalArgumentException("items: none (expected: at least one)");
    }
  }

  /** What the members say of one item. */
  private static List<MemberScore> scores(BroughtScorer scorer, BroughtItem item) {
    return switch (scorer.read(item)) {
      case RowOutcome.Row row -> scorer.score(List.of(row.row())).getFirst();
      case RowOutcome.Refused refused -> List.of(new MemberScore.Missing(refused.fault()));
    };
  }

  /**
   * Asks {@code scorer} again.
   *
   * @param folder that keeps them, for messages
   * @throws ModelException BROKEN if a score is missing or too far off, named
   */
  void check(BroughtScorer scorer, Path folder) {
    Path file = folder.resolve(FILE);
    for (int i = 0; i < items.size(); i++) {
      List<Double> expected = items.get(i).scores();
      List<MemberScore> found = scores(scorer, items.get(i).item());
      if (found.size() > expected.size()) {
        throw new ModelException(
            Reason.BROKEN,
            "%s: items[%d].scores: %d (expected: %d, one a member)"
                .formatted(file, i, expected.size(), found.size()));
      }
      for (int k = 0; k < expected.size(); k++) {
        String flaw =
            k >= found.size()
                ? "no score (expected: %s)".formatted(expected.get(k))
                : switch (found.get(k)) {
                  case MemberScore.Missing missing -> missing.fault().message();
                  case MemberScore.Value(double score) ->
                      Math.abs(score - expected.get(k)) <= tolerance
                          ? ""
                          : "%s (expected: %s ± %s)".formatted(score, expected.get(k), tolerance);
                };
        if (!flaw.isEmpty()) {
          throw new ModelException(
              Reason.BROKEN, "%s: items[%d].scores[%d]: %s".formatted(file, i, k, flaw));
        }
      }
    }
  }

  /**
   * Reads what a folder keeps.
   *
   * @throws ModelException INVALID_FOLDER if it keeps none, or not what it should be
   */
  public static GoldenItems read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      JsonNode json = JSON.readTree(file.toFile());
      List<Item> items = new ArrayList<>();
      for (JsonNode item : json.path("items")) {
        List<Double> scores = new ArrayList<>();
        for (JsonNode score : item.path("scores")) {
          if (!score.isNumber()) {
            throw new IllegalArgumentException(
                "items[%d].scores: %s (expected: numbers)".formatted(items.size(), score));
          }
          scores.add(score.asDouble());
        }
        items.add(new Item(item(item), scores));
      }
      return new GoldenItems(json.path("tolerance").asDouble(), items);
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /** Returns the same in the form in which callers learn of them. */
  KeptScores kept() {
    return new KeptScores(
        tolerance,
        items.stream()
            .map(
                item ->
                    new KeptScores.Item(
                        item.item().promptContent(),
                        item.item().completionContent(),
                        item.scores()))
            .toList());
  }

  private static BroughtItem item(JsonNode json) {
    JsonNode prompt = json.path("prompt");
    JsonNode completion = json.path("completion");
    return prompt.isTextual() && completion.isTextual()
        ? new BroughtItem.Texts(prompt.asText(), completion.asText())
        : new BroughtItem.Tokens(tokens(prompt), tokens(completion));
  }

  private static TokenIds tokens(JsonNode list) {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = list.path(i).asInt(-1);
    }
    return TokenIds.of(ids);
  }

  /** Writes them into a folder. */
  void write(Path folder) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("tolerance", tolerance);
    ArrayNode list = json.putArray("items");
    for (Item item : items) {
      ObjectNode entry = list.addObject();
      switch (item.item()) {
        case BroughtItem.Texts(String prompt, String completion) ->
            entry.put("prompt", prompt).put("completion", completion);
        case BroughtItem.Tokens(TokenIds prompt, TokenIds completion) -> {
          put(entry.putArray("prompt"), prompt);
          put(entry.putArray("completion"), completion);
        }
      }
      item.scores().forEach(entry.putArray("scores")::add);
    }
    Files.writeString(
        folder.resolve(FILE),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  private static void put(ArrayNode array, TokenIds tokens) {
    for (int i = 0; i < tokens.size(); i++) {
      array.add(tokens.get(i));
    }
  }
}
