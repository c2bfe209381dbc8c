package io.ballast.standalone.experiment.algorithms;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.algorithm.Algorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gold along one run, as a file once the run has ended.
 *
 * @param algorithm what it learned by
 * @param seed of its prompts and samples
 * @param points from the first measured weights to the last, without those of the start, which all
 *     runs share; none of a run that failed
 * @param gold of the last weights, at each position; of a run that failed none
 * @param spent how far it came
 * @param failure why it has no last weights; empty: it has
 */
record LearningCurve(
    Algorithm algorithm, int seed, List<Point> points, Gold gold, Spent spent, String failure) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Weights along the way.
   *
   * @param iteration that left them; of the last of a run −1
   * @param tokens of the completions that were sampled for them
   * @param gold mean over held-out positions, characters kept a suggestion
   */
  record Point(int iteration, long tokens, double gold) {
    /** What the last weights have for an iteration: runs differ in how many they take. */
    static final int LAST = -1;
  }

  /**
   * What a run took.
   *
   * @param iterations that were done
   * @param tokens of the completions that were sampled
   * @param from what it learned from, where that was there before; empty: it sampled itself
   * @param reason why learning ended before the most iterations, as the mesh says it; empty: it did
   *     not
   */
  record Spent(int iterations, long tokens, String from, String reason) {}

  /** Checks that it has weights or a reason. */
  LearningCurve {
    points = List.copyOf(points);
    if (points.isEmpty() == failure.isEmpty() || gold.kept().isEmpty() != points.isEmpty()) {
      throw new IllegalArgumentException(
          "%d points, gold at %d positions, failure '%s' (expected: both, or a failure)"
              .formatted(points.size(), gold.kept().size(), failure));
    }
  }

  /** A run that ended without weights. */
  static LearningCurve failed(Algorithm algorithm, int seed, Spent spent, String failure) {
    return new LearningCurve(
        algorithm, seed, List.of(), Gold.NONE, spent, failure.isEmpty() ? "unknown" : failure);
  }

  /** Whether it has last weights. */
  boolean complete() {
    return failure.isEmpty();
  }

  /** Gold of the last weights. */
  double last() {
    return gold.mean();
  }

  /** Keeps it, whole or not at all, in place of an earlier one of the same fingerprint. */
  void write(String fingerprint, Path folder) throws IOException {
    ObjectNode root =
        JSON.createObjectNode()
            .put("of", fingerprint)
            .put("algorithm", algorithm.name())
            .put("seed", seed)
            .put("iterations", spent.iterations())
            .put("tokens", spent.tokens())
            .put("from", spent.from())
            .put("ended", spent.reason())
            .put("failure", failure);
    ArrayNode all = root.putArray("points");
    for (Point point : points) {
      all.addObject()
          .put("iteration", point.iteration())
          .put("tokens", point.tokens())
          .put("gold", point.gold());
    }
    ArrayNode kept = root.putArray("kept");
    gold.kept().forEach(kept::add);
    String name = name(fingerprint, algorithm, seed);
    Path file = Files.createDirectories(folder).resolve(name);
    Path part = folder.resolve(name + ".part");
    JSON.writeValue(part.toFile(), root);
    Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Returns one that a command kept; empty if there is none of this comparison. */
  static Optional<LearningCurve> read(
      String fingerprint, Algorithm algorithm, int seed, Path folder) throws IOException {
    Path file = folder.resolve(name(fingerprint, algorithm, seed));
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    JsonNode root = JSON.readTree(file.toFile());
    if (!root.path("of").asText().equals(fingerprint)) {
      return Optional.empty();
    }
    List<Point> points = new ArrayList<>();
    for (JsonNode point : root.path("points")) {
      points.add(
          new Point(
              point.path("iteration").asInt(),
              point.path("tokens").asLong(),
              point.path("gold").asDouble()));
    }
    List<Double> kept = new ArrayList<>();
    root.path("kept").forEach(position -> kept.add(position.asDouble()));
    Spent spent =
        new Spent(
            root.path("iterations").asInt(),
            root.path("tokens").asLong(),
            root.path("from").asText(),
            root.path("ended").asText());
    return Optional.of(
        new LearningCurve(
            algorithm, seed, points, new Gold(kept), spent, root.path("failure").asText()));
  }

  /** A file for each fingerprint: what another recipe learned stays, whoever goes back to it. */
  private static String name(String fingerprint, Algorithm algorithm, int seed) {
    return "%s-%d-%s.json".formatted(algorithm.name(), seed, Fingerprint.shown(fingerprint));
  }
}
