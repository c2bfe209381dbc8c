package io.ballast.orchestrator.core.rollout;

import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.data.DataCursor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Which prompts an iteration samples from. Each of its places goes to the source that is furthest
 * behind its share of all that was drawn; every pass over a source shuffles it anew and takes its
 * prompts in turn, so no iteration has one twice. A function of the seed and the cursor alone: a
 * run that goes on after a crash takes the same ones.
 *
 * @param sources whose prompts stand one after the other; each has at least its share of an
 *     iteration, rounded up
 * @param perIteration P ≥ 1
 * @param seed the run's
 */
public record PromptPlan(List<Source> sources, int perIteration, long seed) {
  private static final int SHUFFLES = 0;
  private static final int SAMPLES = 1;

  /**
   * A source.
   *
   * @param count its prompts, ≥ 1
   * @param weight its share is this by that of all sources, &gt; 0
   */
  public record Source(int count, double weight) {}

  /**
   * What an iteration takes.
   *
   * @param indices of prompts, shape [P]
   * @param next where the next iteration goes on
   */
  public record Draw(List<Integer> indices, DataCursor next) {
    /** Copies the list. */
    public Draw {
      indices = List.copyOf(indices);
    }
  }

  /** Copies the list. */
  public PromptPlan {
    sources = List.copyOf(sources);
  }

  /** How many prompts a source of {@code weight} must have at least: its share, rounded up. */
  public static int least(double weight, double allWeights, int perIteration) {
    return (int) Math.ceil(perIteration * weight / allWeights);
  }

  /** Where the iteration after {@code done} others begins, of a run whose cursor was not stored. */
  public DataCursor after(int done) {
    DataCursor cursor = DataCursor.beginning(sources.size());
    for (int i = 0; i < done; i++) {
      cursor = next(cursor, shares(cursor));
    }
    return cursor;
  }

  /** What the iteration at {@code cursor} takes. */
  public Draw draw(DataCursor cursor) {
    int[] taken = shares(cursor);
    DataCursor next = next(cursor, taken);
    List<Integer> indices = new ArrayList<>();
    int first = 0;
    for (int s = 0; s < taken.length; s++) {
      if (taken[s] > 0) {
        DataCursor.Place place = next.places().get(s);
        List<Integer> order = order(s, place);
        for (int i = place.position() - taken[s]; i < place.position(); i++) {
          indices.add(first + order.get(i));
        }
      }
      first += sources.get(s).count();
    }
    return new Draw(indices, next);
  }

  private DataCursor next(DataCursor cursor, int[] taken) {
    List<DataCursor.Place> places = new ArrayList<>(cursor.places());
    for (int s = 0; s < taken.length; s++) {
      DataCursor.Place place = places.get(s);
      if (place.position() + taken[s] > place.size()) {
        place = place.nextPass(sources.get(s).count());
      }
      places.set(s, place.after(taken[s]));
    }
    return new DataCursor(places);
  }

  /** How many prompts each source gives, shape [S], sum P. */
  private int[] shares(DataCursor cursor) {
    double allWeights = sources.stream().mapToDouble(Source::weight).sum();
    long drawn = cursor.places().stream().mapToLong(DataCursor.Place::drawn).sum();
    int[] taken = new int[sources.size()];
    for (int i = 1; i <= perIteration; i++) {
      int behind = -1;
      double most = Double.NEGATIVE_INFINITY;
      for (int s = 0; s < taken.length; s++) {
        Source source = sources.get(s);
        double due = source.weight() / allWeights * (drawn + i);
        double by = due - cursor.places().get(s).drawn() - taken[s];
        if (taken[s] < source.count() && by > most) {
          behind = s;
          most = by;
        }
      }
      taken[behind]++;
    }
    return taken;
  }

  private List<Integer> order(int source, DataCursor.Place place) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < place.size(); i++) {
      order.add(i);
    }
    long shuffle =
        source == 0
            ? Seeds.derive(seed, SHUFFLES, place.pass())
            : Seeds.derive(seed, SHUFFLES, place.pass(), source);
    Collections.shuffle(order, new Random(shuffle));
    return order;
  }

  /** The seed that {@code iteration}, which counts from 1, samples with. */
  public long samplingSeed(int iteration) {
    return Seeds.derive(seed, SAMPLES, iteration);
  }
}
