package io.ballast.workshop.gate;

import io.ballast.safety.core.gate.GateHistory;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;

/**
 * What the programmer did at earlier positions of a file, as a gate is told of it: one suggestion
 * of each position was shown. How long ago is not known.
 */
public final class FileSession {
  /** Of so many files nothing is known of the past, so that a gate learns to do without. */
  private static final double UNKNOWN_SHARE = 0.2;

  private final RandomGenerator random;
  private final boolean known;
  private final List<GateHistory.Past> newestFirst = new ArrayList<>();
  private OptionalInt previousCharacters = OptionalInt.empty();

  /**
   * A file that is begun.
   *
   * @param random draws whether its past is known, and what is shown where there is a choice
   */
  public FileSession(RandomGenerator random) {
    this.random = random;
    this.known = random.nextDouble() >= UNKNOWN_SHARE;
  }

  /** What is known at the next position. */
  public Optional<GateHistory> past() {
    if (!known) {
      return Optional.empty();
    }
    List<GateHistory.Past> counted =
        newestFirst.subList(0, Math.min(GateHistory.ANSWERED, newestFirst.size()));
    int kept =
        (int) counted.stream().filter(past -> past.kind() != GateHistory.Kind.REJECTED).count();
    return Optional.of(new GateHistory(counted, kept, counted.size(), previousCharacters));
  }

  /** Of what could have been shown at a position, one was. */
  public void answered(List<Drawn> drawn) {
    Drawn shown = drawn.get(random.nextInt(drawn.size()));
    GateHistory.Kind kind =
        switch (shown.outcome()) {
          case ACCEPTED -> GateHistory.Kind.ACCEPTED;
          case EDITED -> GateHistory.Kind.EDITED;
          case REJECTED -> GateHistory.Kind.REJECTED;
        };
    newestFirst.addFirst(new GateHistory.Past(kind, OptionalDouble.empty()));
    previousCharacters = OptionalInt.of(shown.text().length());
  }
}
