package io.ballast.inference.brought;

import io.ballast.inference.brought.ReferenceAnswers.Answer;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.scoring.ItemReading;
import io.ballast.inference.scoring.ItemReading.ItemRefusal;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.inference.scoring.SeenItem;
import io.ballast.inference.scoring.WholeItemReader;
import io.ballast.inference.scoring.WholeReading.RowOutcome;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.Truncation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.DoubleConsumer;

/**
 * What the members of an ensemble said of some items.
 *
 * @param scored those that every member scored, in their order: all members' scales are made of the
 *     same items
 * @param leftOut those that could not be read, and those that some member did not score
 */
public record AskedItems(List<GoldenItems.Item> scored, List<LeftOut> leftOut) {
  /** So many are scored at once. */
  private static final int PORTION = 64;

  /** No server takes a longer text, or more tokens. */
  private static final int MOST_BYTES = 1 << 20;

  /**
   * Scores of one text in 32 bits may be so far apart, relative to the larger of 1 and the score: a
   * score near 0 is mostly the difference of numbers that are not, and has their rounding.
   */
  private static final double ROUNDING = 1e-6;

  /** Copies the lists. */
  public AskedItems {
    scored = List.copyOf(scored);
    leftOut = List.copyOf(leftOut);
  }

  /**
   * An item that some member did not score.
   *
   * @param at where it stands
   * @param why it could not be read, or of the first such member, which is named
   */
  public record LeftOut(String at, String why) {
    @Override
    public String toString() {
      return at + ": " + why;
    }
  }

  /**
   * Asks every member about every item that a server would take.
   *
   * @param model the ensemble's name, for messages
   * @param unread what is left out already
   * @param progress told what part of them was asked
   * @throws io.ballast.kit.error.MeshException if every member is elsewhere, and none can be asked
   */
  static AskedItems of(
      BroughtScorer scorer,
      String model,
      List<Answer> items,
      List<LeftOut> unread,
      DoubleConsumer progress) {
    ItemReading reader = new WholeItemReader(model, scorer, MOST_BYTES, Truncation.REFUSE);
    List<GoldenItems.Item> scored = new ArrayList<>();
    List<LeftOut> leftOut = new ArrayList<>(unread);
    for (int from = 0; from < items.size(); from += PORTION) {
      List<Answer> portion = items.subList(from, Math.min(from + PORTION, items.size()));
      List<RowOutcome> read = portion.stream().map(answer -> read(reader, answer.item())).toList();
      Iterator<List<MemberScore>> scores = scores(scorer, read).iterator();
      for (int i = 0; i < portion.size(); i++) {
        Answer answer = portion.get(i);
        switch (read.get(i)) {
          case RowOutcome.Refused(ItemFault fault) ->
              leftOut.add(new LeftOut(answer.at(), fault.message()));
          case RowOutcome.Row row -> {
            List<MemberScore> said = scores.next();
            missing(said)
                .ifPresentOrElse(
                    why -> leftOut.add(new LeftOut(answer.at(), why)),
                    () -> scored.add(new GoldenItems.Item(answer.item(), values(said))));
          }
        }
      }
      progress.accept((double) (from + portion.size()) / items.size());
    }
    return new AskedItems(scored, leftOut);
  }

  private static RowOutcome read(ItemReading reader, BroughtItem item) {
    try {
      SeenItem seen = reader.read("", item.promptContent(), item.completionContent());
      return new RowOutcome.Row(new ScoringRow(seen.prompt(), seen.completion()));
    } catch (ItemRefusal refusal) {
      return new RowOutcome.Refused(refusal.fault());
    }
  }

  private static List<List<MemberScore>> scores(BroughtScorer scorer, List<RowOutcome> read) {
    List<ScoringRow> rows =
        read.stream()
            .filter(RowOutcome.Row.class::isInstance)
            .map(outcome -> ((RowOutcome.Row) outcome).row())
            .toList();
    return rows.isEmpty() ? List.of() : scorer.score(rows);
  }

  private static Optional<String> missing(List<MemberScore> scores) {
    return scores.stream()
        .filter(MemberScore.Missing.class::isInstance)
        .map(score -> ((MemberScore.Missing) score).fault().message())
        .findFirst();
  }

  private static List<Double> values(List<MemberScore> scores) {
    return scores.stream().map(score -> ((MemberScore.Value) score).score()).toList();
  }

  /** How many were asked about, those included that could not be read. */
  public int size() {
    return scored.size() + leftOut.size();
  }

  /**
   * The scale of member {@code k} on these items: mean, and standard deviation divided by n − 1.
   *
   * @throws UnusableReferenceException if the scores are all equal, as far as 32 bits tell
   */
  Normalization scale(int k) {
    double[] scores = scored.stream().mapToDouble(item -> item.scores().get(k)).toArray();
    double lowest = Arrays.stream(scores).min().orElseThrow();
    double highest = Arrays.stream(scores).max().orElseThrow();
    double rounding = ROUNDING * Math.max(1, Math.max(Math.abs(lowest), Math.abs(highest)));
    if (highest - lowest <= rounding) {
      throw new UnusableReferenceException(
          String.format(
              Locale.ROOT,
              "members[%d]: the %s %s no scale, all scores are %s (expected: two that are more than %.1e apart, as far as 32 bits tell them from each other)",
              k,
              Texts.counted(scores.length, "reference item"),
              scores.length == 1 ? "gives" : "give",
              lowest == highest ? lowest : "from %s to %s".formatted(lowest, highest),
              rounding));
    }
    double mean = Arrays.stream(scores).average().orElseThrow();
    double squares = Arrays.stream(scores).map(score -> (score - mean) * (score - mean)).sum();
    return new Normalization(mean, Math.sqrt(squares / (scores.length - 1)));
  }
}
