package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ScoreResult;
import java.util.Locale;

/** How far the members' raw scores of the same items are apart, asked for in two ways. */
final class ScoresApart {
  /** What to do where scores are others than they should be. */
  static final String NO_TRAINING =
      "do not train on it: another engine, tokenizer or weights serve";

  private final String where;
  private final double tolerance;
  private double worst;
  private int compared;
  private int missing;
  private String first = "";

  /**
   * @param where the other way, for messages
   * @param tolerance how far two raw scores of one item may be apart, relative to the larger of 1
   *     and the score, ≥ 0
   */
  ScoresApart(String where, double tolerance) {
    this.where = where;
    this.tolerance = tolerance;
  }

  /** Whether two numbers are apart by at most {@code within} of the larger of 1 and them. */
  static boolean near(double a, double b, double within) {
    return distance(a, b) <= within;
  }

  private static double distance(double a, double b) {
    return Math.abs(a - b) / Math.max(1, Math.max(Math.abs(a), Math.abs(b)));
  }

  /** Compares what was said of one item in both ways. */
  void compare(ScoreResult one, ScoreResult other) {
    if (one.getMembersCount() == 0 || one.getMembersCount() != other.getMembersCount()) {
      note(
          "%s: %s, %s %d"
              .formatted(
                  one.getItemId(),
                  Texts.counted(one.getMembersCount(), "member"),
                  where,
                  other.getMembersCount()));
      return;
    }
    for (int k = 0; k < one.getMembersCount(); k++) {
      MemberScore a = one.getMembers(k);
      MemberScore b = other.getMembers(k);
      if (a.hasRawScore() && b.hasRawScore()) {
        compare(one.getItemId(), k, a.getRawScore(), b.getRawScore());
      } else if (a.hasRawScore() || b.hasRawScore()) {
        note("%s, member %d: %s, %s %s".formatted(one.getItemId(), k, said(a), where, said(b)));
      } else {
        missing++;
      }
    }
  }

  private void compare(String item, int member, double a, double b) {
    compared++;
    if (!near(a, b, tolerance)) {
      note("%s, member %d: %s, %s %s".formatted(item, member, a, where, b));
    }
    worst = Math.max(worst, distance(a, b));
  }

  private static String said(MemberScore member) {
    return member.hasRawScore()
        ? Double.toString(member.getRawScore())
        : member.getFailure().getMessage();
  }

  private void note(String difference) {
    if (first.isEmpty()) {
      first = difference;
    }
  }

  /** What it amounts to. */
  Finding finding(String subject, String what) {
    if (!first.isEmpty()) {
      return Finding.broken(subject, first, NO_TRAINING);
    }
    if (missing > 0) {
      return Finding.weak(
          subject,
          "%s: %d of %d members' scores %s missing"
              .formatted(what, missing, missing + compared, missing == 1 ? "is" : "are"),
          "what a member does not say is not compared: see its failures by ./mesh score --json");
    }
    return Finding.good(
        subject,
        worst == 0
            ? what + ": exactly the same"
            : String.format(Locale.ROOT, "%s: apart by at most %.1e", what, worst));
  }
}
