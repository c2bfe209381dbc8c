package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import java.util.List;

/**
 * Completions of one prompt; they share its computation.
 *
 * @param prompt at least one token
 * @param completions at least one
 */
public record TrainingGroup(TokenIds prompt, List<TrainingCompletion> completions) {
  /** A group is one row of attention, whose memory grows with the square of its length. */
  private static final int MAX_TOKENS = 8_192;

  /** Copies the list. */
  public TrainingGroup {
    completions = List.copyOf(completions);
  }

  /** How many completions there are, G. */
  public int size() {
    return completions.size();
  }

  /** How many tokens all completions have together. */
  int tokensCount() {
    return completions.stream().mapToInt(TrainingCompletion::size).sum();
  }

  /** What an objective reads of {@code groups}, but for what the weights in training say. */
  static Batch batch(List<TrainingGroup> groups, ObjectiveKind kind) {
    return new Batch(
        groups.stream()
            .map(
                group ->
                    new Group(
                        "", group.completions().stream().map(each -> each.sample(kind)).toList()))
            .toList());
  }

  /**
   * Checks every group against the model before anything is computed.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first thing wrong
   */
  static void requireAll(List<TrainingGroup> groups, ModelShape shape) {
    if (groups.isEmpty()) {
      throw Faults.malformed("groups", "none (expected: at least one)");
    }
    for (int i = 0; i < groups.size(); i++) {
      groups.get(i).require("groups[" + i + "]", shape);
    }
  }

  private void require(String path, ModelShape shape) {
    if (prompt.size() == 0) {
      throw Faults.malformed(path + ".prompt_tokens", "none (expected: at least one)");
    }
    if (completions.isEmpty()) {
      throw Faults.malformed(path + ".completions", "none (expected: at least one)");
    }
    if (prompt.size() + tokensCount() > MAX_TOKENS) {
      throw Faults.malformed(
          path,
          "%,d tokens, limit %,d; send its completions as several groups"
              .formatted(prompt.size() + tokensCount(), MAX_TOKENS));
    }
    requireIds(prompt, path + ".prompt_tokens", shape);
    for (int g = 0; g < completions.size(); g++) {
      TrainingCompletion completion = completions.get(g);
      String name = path + ".completions[" + g + "]";
      completion.requireLengths(name);
      requireIds(completion.tokens(), name + ".tokens", shape);
      if (prompt.size() + completion.size() > shape.contextTokens()) {
        throw Faults.malformed(
            name + ".tokens",
            "%,d tokens after a prompt of %,d, limit %,d together"
                .formatted(completion.size(), prompt.size(), shape.contextTokens()));
      }
    }
  }

  private static void requireIds(TokenIds ids, String path, ModelShape shape) {
    for (int t = 0; t < ids.size(); t++) {
      if (ids.get(t) < 0 || ids.get(t) >= shape.vocabularySize()) {
        throw Faults.malformed(
            "%s[%d]".formatted(path, t),
            "%d (expected: ≥ 0 and < %,d)".formatted(ids.get(t), shape.vocabularySize()));
      }
    }
  }
}
