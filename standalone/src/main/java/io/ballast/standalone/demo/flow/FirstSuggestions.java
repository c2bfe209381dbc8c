package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.mesh.Suggestion;
import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.Position;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What the mesh suggested before it learned, and what the programmer did.
 *
 * @param feedbackCount events that the mesh acknowledged; nobody reacts to what is not shown
 */
public record FirstSuggestions(List<Answered> answered, int feedbackCount) {
  public FirstSuggestions {
    answered = List.copyOf(answered);
  }

  /**
   * One position.
   *
   * @param reaction empty if nothing was shown
   */
  public record Answered(Position position, Suggestion suggestion, Optional<Judgement> reaction) {}

  /** How many met {@code fate}. */
  public long count(Suggestion.Fate fate) {
    return answered.stream().filter(one -> one.suggestion().fate() == fate).count();
  }

  /** How many shown ones ended in {@code outcome}. */
  public long count(Outcome outcome) {
    return answered.stream()
        .filter(one -> one.reaction().filter(r -> r.outcome() == outcome).isPresent())
        .count();
  }

  /** The median of the mesh's own times, in milliseconds. */
  public double medianMillis() {
    double[] sorted =
        answered.stream().mapToDouble(one -> one.suggestion().totalMillis()).sorted().toArray();
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
  }

  /**
   * A few of every kind that there is: accepted, edited, rejected, withheld, blocked, in this
   * order, the first of each by position.
   */
  public List<Answered> examples() {
    return IntStream.range(0, 5)
        .mapToObj(kind -> answered.stream().filter(one -> kind(one) == kind).findFirst().stream())
        .flatMap(each -> each)
        .sorted(Comparator.comparingInt(FirstSuggestions::kind))
        .toList();
  }

  private static int kind(Answered one) {
    return switch (one.suggestion().fate()) {
      case SHOWN -> one.reaction().map(r -> r.outcome().ordinal()).orElse(2);
      case WITHHELD -> 3;
      case BLOCKED -> 4;
    };
  }
}
