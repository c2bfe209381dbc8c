package io.ballast.orchestrator.core.rollout;

import io.ballast.orchestrator.core.data.Curriculum;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The rows of a source from the easiest to the hardest: what a curriculum admits is always the
 * first so many. Equal ones stand in the order of the source.
 *
 * @param rows indices into the source
 * @param numbers of those rows, ascending
 * @param curriculum by which they are admitted
 */
public record Ladder(List<Integer> rows, List<Double> numbers, Curriculum curriculum) {
  /** Copies the lists. */
  public Ladder {
    rows = List.copyOf(rows);
    numbers = List.copyOf(numbers);
  }

  /** Puts rows with {@code numbers}, each finite, in their order. */
  public static Ladder of(List<Double> numbers, Curriculum curriculum) {
    List<Integer> rows =
        IntStream.range(0, numbers.size())
            .boxed()
            .sorted(Comparator.comparingDouble(numbers::get))
            .toList();
    return new Ladder(rows, rows.stream().map(numbers::get).toList(), curriculum);
  }

  /** How many rows {@code iteration}, which counts from 1, may take. */
  public int admitted(int iteration) {
    double limit = curriculum.limit(iteration);
    int low = 0;
    int high = numbers.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (numbers.get(middle) <= limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
