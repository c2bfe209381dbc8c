package io.ballast.inference.brought;

import io.ballast.inference.brought.ReferenceAnswers.Answer;
import io.ballast.inference.onnx.Normalization;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleConsumer;

/**
 * What the members of an ensemble said of some items.
 *
 * @param scored those that every member scored, in their order: all members' scales are made of the
 *     same items
 * @param leftOut those that some member did not, in their order
 */
public record AskedItems(List<GoldenItems.Item> scored, List<LeftOut> leftOut) {
  /** Copies the lists. */
  public AskedItems {
    scored = List.copyOf(scored);
    leftOut = List.copyOf(leftOut);
  }

  /**
   * An item that some member did not score.
   *
   * @param at where it stands
   * @param why of the first such member, which is named
   */
  public record LeftOut(String at, String why) {
    @Override
    public String toString() {
      return at + ": " + why;
    }
  }

  /**
   * Asks every member about every item, one after the other.
   *
   * @param progress told what part of them was asked
   * @throws io.ballast.kit.error.MeshException if every member is elsewhere, and none can be asked
   */
  static AskedItems of(BroughtScorer scorer, List<Answer> items, DoubleConsumer progress) {
    List<GoldenItems.Item> scored = new ArrayList<>();
    List<LeftOut> leftOut = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      Answer answer = items.get(i);
      List<MemberScore> scores = GoldenItems.scores(scorer, answer.item());
      Optional<LeftOut> missing =
          scores.stream()
              .filter(MemberScore.Missing.class::isInstance)
              .map(score -> ((MemberScore.Missing) score).fault().message())
              .map(why -> new LeftOut(answer.at(), why))
              .findFirst();
      if (missing.isPresent()) {
        leftOut.add(missing.get());
      } else {
        scored.add(
            new GoldenItems.Item(
                answer.item(),
                scores.stream().map(score -> ((MemberScore.Value) score).score()).toList()));
      }
      progress.accept((i + 1.0) / items.size());
    }
    return new AskedItems(scored, leftOut);
  }

  /** How many were asked about. */
  public int size() {
    return scored.size() + leftOut.size();
  }

  /**
   * The scale of member {@code k} on these items: mean, and standard deviation divided by n − 1.
   *
   * @throws IllegalArgumentException if the scores give none
   */
  Normalization scale(int k) {
    double mean = scored.stream().mapToDouble(item -> item.scores().get(k)).average().orElse(0);
    double squares =
        scored.stream()
            .mapToDouble(item -> item.scores().get(k) - mean)
            .map(off -> off * off)
            .sum();
    double std = Math.sqrt(squares / Math.max(1, scored.size() - 1));
    if (!(std > 0)) {
      throw new IllegalArgumentException(
          "members[%d]: the %,d reference items give no scale (expected: at least two unlike scores)"
              .formatted(k, scored.size()));
    }
    return new Normalization(mean, std);
  }
}
