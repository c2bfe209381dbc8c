package io.ballast.loadtest.openloop;

import java.util.ArrayList;
import java.util.List;

/**
 * How many calls a second are meant, over time: straight pieces, one after the other, and none
 * after the last.
 *
 * @param pieces at least one
 */
public record RateCurve(List<Piece> pieces) {
  /** Copies the list. */
  public RateCurve {
    pieces = List.copyOf(pieces);
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("pieces: none (expected: at least one)");
    }
  }

  /**
   * A straight piece.
   *
   * @param from calls a second at its beginning, ≥ 0
   * @param to calls a second at its end, ≥ 0
   * @param seconds how long it is, &gt; 0
   */
  public record Piece(double from, double to, double seconds) {
    public Piece {
      if (!(from >= 0 && to >= 0 && seconds > 0 && Double.isFinite(from + to + seconds))) {
        throw new IllegalArgumentException(
            "piece: %s to %s for %s s (expected: rates of at least 0, more than 0 s)"
                .formatted(from, to, seconds));
      }
    }

    /** How many calls are meant in it. */
    double calls() {
      return (from + to) / 2 * seconds;
    }

    /**
     * When so many of its calls are meant, in seconds after its beginning: the t that solves {@code
     * from·t + (to − from)/(2·seconds)·t² = calls}, written so that equal rates need no division by
     * zero.
     */
    double secondsAt(double calls) {
      double slope = (to - from) / seconds;
      double root = Math.sqrt(Math.max(0, from * from + 2 * slope * calls));
      return calls == 0 ? 0 : Math.min(seconds, 2 * calls / (from + root));
    }
  }

  /** A constant rate. */
  public static RateCurve constant(double rate, double seconds) {
    return new RateCurve(List.of(new Piece(rate, rate, seconds)));
  }

  /** How many calls are meant in all. */
  public double calls() {
    return pieces.stream().mapToDouble(Piece::calls).sum();
  }

  /** How long it is. */
  public double seconds() {
    return pieces.stream().mapToDouble(Piece::seconds).sum();
  }

  /** The highest rate. */
  public double peak() {
    return pieces.stream().mapToDouble(piece -> Math.max(piece.from(), piece.to())).max().orElse(0);
  }

  /** When so many calls were meant, in seconds; infinite if there are never so many. */
  public double secondsAt(double calls) {
    double before = 0;
    double begun = 0;
    for (Piece piece : pieces) {
      if (calls < before + piece.calls()) {
        return begun + piece.secondsAt(calls - before);
      }
      before += piece.calls();
      begun += piece.seconds();
    }
    return Double.POSITIVE_INFINITY;
  }

  /** The same with all rates multiplied. */
  public RateCurve times(double factor) {
    List<Piece> scaled = new ArrayList<>();
    pieces.forEach(
        piece ->
            scaled.add(new Piece(piece.from() * factor, piece.to() * factor, piece.seconds())));
    return new RateCurve(scaled);
  }
}
