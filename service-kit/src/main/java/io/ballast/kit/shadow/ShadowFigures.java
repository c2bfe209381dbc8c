package io.ballast.kit.shadow;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * How the numbers of a candidate differ from those of what serves, since the start: the mean and
 * the standard deviation of candidate − serving, and how often the two agree on which of two items
 * is higher. Thread-safe.
 *
 * <p>Of two items that are equal for what serves nothing is said; two that are equal for the
 * candidate alone count as half an agreement. Numbers of two prompts need not be comparable, so
 * pairs of one prompt are counted apart from pairs of any, which are those of an item with the
 * {@value #NEIGHBOURS} before it.
 */
public final class ShadowFigures {
  static final int NEIGHBOURS = 32;

  private final Deque<Compared> latest = new ArrayDeque<>();
  private final Agreement ofOnePrompt = new Agreement();
  private final Agreement ofAny = new Agreement();
  private long count;
  private double mean;
  private double squares; // the sum of squared deviations from the mean (Welford)

  /**
   * One item that both gave a number.
   *
   * @param prompt equal for items of one prompt
   */
  public record Compared(Object prompt, double serving, double candidate) {}

  /** What there is to see. NaN: nothing yet. */
  public record Seen(
      long items,
      double meanDifference,
      double deviation,
      double agreementWithinPrompts,
      double agreementOfAny) {}

  /** Takes the items of one call. */
  public synchronized void add(List<Compared> items) {
    for (int i = 0; i < items.size(); i++) {
      Compared item = items.get(i);
      count++;
      double difference = item.candidate() - item.serving();
      double before = difference - mean;
      mean += before / count;
      squares += before * (difference - mean);
      for (Compared other : items.subList(0, i)) {
        if (other.prompt().equals(item.prompt())) {
          ofOnePrompt.add(other, item);
        }
      }
      latest.forEach(other -> ofAny.add(other, item));
      latest.addLast(item);
      if (latest.size() > NEIGHBOURS) {
        latest.removeFirst();
      }
    }
  }

  /** What was seen so far. */
  public synchronized Seen seen() {
    return new Seen(
        count,
        count == 0 ? Double.NaN : mean,
        count < 2 ? Double.NaN : Math.sqrt(squares / (count - 1)),
        ofOnePrompt.share(),
        ofAny.share());
  }

  private static final class Agreement {
    private long pairs;
    private double agreed;

    void add(Compared a, Compared b) {
      double serving = Math.signum(a.serving() - b.serving());
      double candidate = Math.signum(a.candidate() - b.candidate());
      if (serving != 0) {
        pairs++;
        agreed += (1 + serving * candidate) / 2;
      }
    }

    double share() {
      return pairs == 0 ? Double.NaN : agreed / pairs;
    }
  }
}
