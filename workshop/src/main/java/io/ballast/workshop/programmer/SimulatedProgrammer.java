package io.ballast.workshop.programmer;

import java.util.BitSet;
import java.util.random.RandomGenerator;

/**
 * A programmer who wants to write what the file really says.
 *
 * <p>Accepts a suggestion whose first line is exactly the rest of the line (trailing white space
 * aside); keeps, as an edit, a right beginning of three or more characters that ends where a lexeme
 * ends, in the file and in the suggestion; rejects the rest. By the stated noise a programmer errs:
 * rejects what was good, or accepts what was not, which saves nothing.
 */
public final class SimulatedProgrammer {
  private static final int LEAST_KEPT = 3;
  private static final Judgement REJECTED = new Judgement(Outcome.REJECTED, 0);

  private final double noise;
  private final RandomGenerator random;

  /**
   * @param noise the probability of an error, in [0, 1]
   * @param random of the errors; not touched if {@code noise} is 0
   */
  public SimulatedProgrammer(double noise, RandomGenerator random) {
    if (!(noise >= 0 && noise <= 1)) {
      throw new IllegalArgumentException("noise: " + noise + " (expected: ≥ 0 and ≤ 1)");
    }
    this.noise = noise;
    this.random = random;
  }

  /** Returns what this programmer does with {@code suggestion}, errors included. */
  public Judgement react(Position position, String suggestion) {
    Judgement right = judge(position, suggestion);
    if (noise == 0 || random.nextDouble() >= noise) {
      return right;
    }
    return right.outcome() == Outcome.REJECTED ? new Judgement(Outcome.ACCEPTED, 0) : REJECTED;
  }

  /** Returns what a programmer without error does with {@code suggestion}. */
  public static Judgement judge(Position position, String suggestion) {
    String truth = position.truth();
    String offered = Position.firstLine(suggestion).stripTrailing();
    if (offered.isEmpty()) {
      return REJECTED;
    }
    if (offered.equals(truth)) {
      return new Judgement(Outcome.ACCEPTED, truth.length());
    }
    int kept = rightBeginning(position.lineBefore(), truth, offered);
    return kept >= LEAST_KEPT ? new Judgement(Outcome.EDITED, kept) : REJECTED;
  }

  /** The length of the longest common beginning that ends at a boundary of both lines. */
  private static int rightBeginning(String before, String truth, String offered) {
    BitSet boundaries = LexicalBoundaries.of(before + truth);
    boundaries.and(LexicalBoundaries.of(before + offered));
    int common = 0;
    while (common < Math.min(truth.length(), offered.length())
        && truth.charAt(common) == offered.charAt(common)) {
      common++;
    }
    int end = boundaries.previousSetBit(before.length() + common);
    return Math.max(0, end - before.length());
  }
}
