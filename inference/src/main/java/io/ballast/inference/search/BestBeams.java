package io.ballast.inference.search;

import java.util.ArrayList;
import java.util.List;

/** The completions that rank highest of all that were found; the others are let go at once. */
final class BestBeams {
  private final int most;
  private final List<Beam> ranked = new ArrayList<>();

  BestBeams(int most) {
    this.most = most;
  }

  /** Takes {@code beam} in behind those that score as high, if it is among the best. */
  void add(Beam beam) {
    int at = ranked.size();
    while (at > 0 && ranked.get(at - 1).score() < beam.score()) {
      at--;
    }
    if (at < most) {
      ranked.add(at, beam);
    }
    if (ranked.size() > most) {
      ranked.removeLast();
    }
  }

  /** Whether there are as many as are wanted, and each scores at least {@code score}. */
  boolean allReach(double score) {
    return ranked.size() == most && ranked.getLast().score() >= score;
  }

  /** The highest score first. */
  List<Beam> ranked() {
    return List.copyOf(ranked);
  }
}
