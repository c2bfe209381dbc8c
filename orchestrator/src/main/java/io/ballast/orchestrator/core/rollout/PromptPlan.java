package io.ballast.orchestrator.core.rollout;

import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.data.DataCursor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Which prompts an iteration samples from. Each of its places goes to the source that is furthest
 * behind its share of all that was drawn; every pass over a source shuffles it anew and takes its
 * prompts in turn, so no iteration has one twice. Where a curriculum admits more prompts than the
 * pass began with, a new pass over all of them begins. A function of the seed, the cursor and the
 * iteration alone: a run that goes on after a crash takes the same ones.
 *
 * @param sources whose prompts stand one after the other; each admits at least its share of an
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
   * @param ladder from easy prompts to hard ones; null: all may be taken at any time
   */
  public record Source(int count, double weight, @Nullable Ladder ladder) {
    /** Without a curriculum. */
    public Source(int count, double weight) {
      this(count, weight, null);
    }

    int admitted(int iteration) {
      return ladder == null ? count : ladder.admitted(iteration);
    }

    /** The prompt at {@code place} of those that are admitted first. */
    int prompt(int place) {
      return ladder == null ? place : ladder.rows().get(place);
    }
  }

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
    for (int i = 1; i <= done; i++) {
      cursor = next(cursor, shares(cursor, i), i);
    }
    return cursor;
  }

  /** What {@code iteration}, which counts from 1 and stands at {@code cursor}, takes. */
  public Draw draw(DataCursor cursor, int iteration) {
    int[] taken = shares(cursor, iteration);
    DataCursor next = next(cursor, taken, iteration);
    List<Integer> indices = new ArrayList<>();
    int first = 0;
    for (int s = 0; s < taken.length; s++) {
      if (taken[s] > 0) {
        DataCursor.Place place = next.places().get(s);
        List<Integer> order = order(s, place);
        for (int i = place.position() - taken[s]; i < place.position(); i++) {
          indices.add(first + sources.get(s).prompt(order.get(i)));
        }
      }
      first += sources.get(s).count();
    }
    return new Draw(indices, next);
  }

  private DataCursor next(DataCursor cursor, int[] taken, int iteration) {
    List<DataCursor.Place> places = new ArrayList<>(cursor.places());
    for (int s = 0; s < taken.length; s++) {
      DataCursor.Place place = places.get(s);
      int admitted = sources.get(s).admitted(iteration);
      boolean used = place.position() + taken[s] > place.size();
      if (used || (taken[s] > 0 && admitted > place.size())) {
        place = place.nextPass(admitted);
      }
      places.set(s, place.after(taken[s]));
    }
    return new DataCursor(places);
  }

  /** How many prompts each source gives, shape [S], sum P. */
  private int[] shares(DataCursor cursor, int iteration) {
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
        if (taken[s] < source.admitted(iteration) && by > most) {
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
