package io.ballast.orchestrator.core.rollout;

import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.data.DataCursor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which prompts an iteration samples from, in one round or in several. Each of its places goes to
 * the source that is furthest behind its share of all that was drawn; every pass over a source
 * shuffles it anew and takes its prompts in turn, so no iteration has one twice. Where a curriculum
 * admits more prompts than the pass began with, a new pass over all of them begins. A function of
 * the seed, the cursor, the iteration and what its earlier rounds had alone: a run that goes on
 * after a crash takes the same ones.
 *
 * @param sources whose prompts stand one after the other; each admits at least its share of an
 *     iteration, rounded up
 * @param perIteration P ≥ 1
 * @param seed the run's
 */
public record PromptPlan(List<Source> sources, int perIteration, long seed) {
  private static final int SHUFFLES = 0;
  private static final int SAMPLES = 1;
  private static final int ROUNDS = 2;

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
   * What is asked for at once.
   *
   * @param iteration counts from 1
   * @param number of the round in its iteration, counts from 1
   * @param most prompts at most, ≥ 1
   * @param had indices of prompts that the iteration's earlier rounds had, and this one has not
   */
  public record Round(int iteration, int number, int most, Set<Integer> had) {
    /** Copies the set. */
    public Round {
      had = Set.copyOf(had);
    }

    /** The round after this one, which had {@code drawn}. */
    public Round next(List<Integer> drawn, int nextMost) {
      Set<Integer> all = new HashSet<>(had);
      all.addAll(drawn);
      return new Round(iteration, number + 1, nextMost, all);
    }
  }

  /**
   * What a round takes.
   *
   * @param indices of prompts; P in the first round, fewer than were asked for in a later one where
   *     its iteration has had all others
   * @param next where the next round, or iteration, goes on
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
      cursor = draw(cursor, i).next();
    }
    return cursor;
  }

  /** The first round of {@code iteration}, which counts from 1. */
  public Round first(int iteration) {
    return new Round(iteration, 1, perIteration, Set.of());
  }

  /** What {@code iteration}, which counts from 1 and stands at {@code cursor}, takes at first. */
  public Draw draw(DataCursor cursor, int iteration) {
    return draw(cursor, first(iteration));
  }

  /** What {@code round}, which stands at {@code cursor}, takes. */
  public Draw draw(DataCursor cursor, Round round) {
    int[] taken = shares(cursor, round);
    List<DataCursor.Place> places = new ArrayList<>(cursor.places());
    List<Integer> indices = new ArrayList<>();
    for (int s = 0; s < taken.length; s++) {
      if (taken[s] > 0) {
        places.set(s, take(s, places.get(s), taken[s], round, indices));
      }
    }
    return new Draw(indices, new DataCursor(places));
  }

  /** Adds {@code count} prompts of a source to {@code indices}; returns where it stands then. */
  private DataCursor.Place take(
      int source, DataCursor.Place before, int count, Round round, List<Integer> indices) {
    int admitted = sources.get(source).admitted(round.iteration());
    DataCursor.Place place = before;
    List<Integer> order = admitted > before.size() ? List.of() : order(source, before);
    List<Integer> fresh = fresh(source, order, before.position(), count, round);
    if (fresh.size() < count) {
      place = before.nextPass(admitted);
      order = order(source, place);
      fresh = fresh(source, order, 0, count, round);
    }
    int first = firstPrompt(source);
    for (int at : fresh) {
      indices.add(first + sources.get(source).prompt(order.get(at)));
    }
    return place.at(fresh.getLast() + 1, count);
  }

  /** The next {@code most} places of a pass whose prompts the iteration has not had. */
  private List<Integer> fresh(int source, List<Integer> order, int from, int most, Round round) {
    int first = firstPrompt(source);
    List<Integer> fresh = new ArrayList<>();
    for (int i = from; i < order.size() && fresh.size() < most; i++) {
      if (!round.had().contains(first + sources.get(source).prompt(order.get(i)))) {
        fresh.add(i);
      }
    }
    return fresh;
  }

  /** The index of a source's first prompt. */
  private int firstPrompt(int source) {
    return sources.subList(0, source).stream().mapToInt(Source::count).sum();
  }

  /** How many prompts a source may give to a round. */
  private int available(int source, Round round) {
    int first = firstPrompt(source);
    int end = first + sources.get(source).count();
    int had = (int) round.had().stream().filter(each -> each >= first && each < end).count();
    return sources.get(source).admitted(round.iteration()) - had;
  }

  /** How many prompts each source gives, shape [S]. */
  private int[] shares(DataCursor cursor, Round round) {
    double allWeights = sources.stream().mapToDouble(Source::weight).sum();
    long drawn = cursor.places().stream().mapToLong(DataCursor.Place::drawn).sum();
    int[] taken = new int[sources.size()];
    int[] available = new int[taken.length];
    for (int s = 0; s < taken.length; s++) {
      available[s] = available(s, round);
    }
    int count = Math.min(round.most(), Arrays.stream(available).sum());
    for (int i = 1; i <= count; i++) {
      int behind = -1;
      double most = Double.NEGATIVE_INFINITY;
      for (int s = 0; s < taken.length; s++) {
        Source source = sources.get(s);
        double due = source.weight() / allWeights * (drawn + i);
        double by = due - cursor.places().get(s).drawn() - taken[s];
        if (taken[s] < available[s] && by > most) {
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

  /** The seed that {@code iteration}, which counts from 1, samples with in its first round. */
  public long samplingSeed(int iteration) {
    return samplingSeed(first(iteration));
  }

  /** The seed that {@code round} samples with. */
  public long samplingSeed(Round round) {
    return round.number() == 1
        ? Seeds.derive(seed, SAMPLES, round.iteration())
        : Seeds.derive(seed, SAMPLES, round.iteration(), ROUNDS, round.number());
  }
}
