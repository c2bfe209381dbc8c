package io.ballast.standalone.demo.position;

import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The positions of one demo. No file lies in two sets. What decides (both safety tests, the
 * comparison) and the first suggestions come from artefacts that trained nothing; what the runs
 * learn from and the reward's ranking come from files of other artefacts that gave no labels.
 *
 * <p>Each of the two candidates is tested on prompts of its own, so neither test is a second look.
 *
 * @param suggestions held out: asked first, with feedback
 * @param constrainedSafety held out: prompts of the constrained candidate's test
 * @param rewardOnlySafety held out: prompts of the reward-only candidate's test
 * @param comparison held out: answered by old and new at the end
 * @param learning prompts of the runs
 * @param ranking where the reward's order is measured
 */
public record PositionSets(
    List<Position> suggestions,
    List<Position> constrainedSafety,
    List<Position> rewardOnlySafety,
    List<Position> comparison,
    List<Position> learning,
    List<Position> ranking) {
  /** The fewer, the less a single file weighs. */
  private static final int FEWEST_PER_FILE = 2;

  private static final int MOST_PER_FILE = 12;

  public PositionSets {
    suggestions = List.copyOf(suggestions);
    constrainedSafety = List.copyOf(constrainedSafety);
    rewardOnlySafety = List.copyOf(rewardOnlySafety);
    comparison = List.copyOf(comparison);
    learning = List.copyOf(learning);
    ranking = List.copyOf(ranking);
  }

  /**
   * The files to draw from; no file is in two of the lists.
   *
   * @param comparison held out: of the comparison and the first suggestions
   * @param safety held out: of the safety tests
   * @param learning of the runs' prompts and the reward's ranking
   */
  public record Sources(
      List<SourceFile> comparison, List<SourceFile> safety, List<SourceFile> learning) {
    public Sources {
      comparison = List.copyOf(comparison);
      safety = List.copyOf(safety);
      learning = List.copyOf(learning);
    }
  }

  /**
   * Draws all sets.
   *
   * @throws IllegalStateException if the files do not hold enough positions, with how many they do
   */
  public static PositionSets draw(
      Sources sources, SetSizes sizes, Cursor cursor, RandomGenerator random) {
    try (ParseCheck parseCheck = new ParseCheck()) {
      Positions positions = new Positions(cursor, parseCheck);
      List<List<Position>> compared =
          split(
              positions,
              "comparison",
              sources.comparison(),
              List.of(sizes.comparison(), sizes.suggestions()),
              random);
      List<List<Position>> tested =
          split(
              positions,
              "safety test",
              sources.safety(),
              List.of(sizes.safety(), sizes.safety()),
              random);
      List<List<Position>> learned =
          split(
              positions,
              "run",
              sources.learning(),
              List.of(sizes.ranking(), sizes.learning()),
              random);
      return new PositionSets(
          compared.get(1),
          tested.get(0),
          tested.get(1),
          compared.get(0),
          learned.get(1),
          learned.get(0));
    }
  }

  /** Cuts {@code files} into stretches, a set each, with as few positions a file as will do. */
  private static List<List<Position>> split(
      Positions positions,
      String part,
      List<SourceFile> files,
      List<Integer> wanted,
      RandomGenerator random) {
    int total = wanted.stream().mapToInt(Integer::intValue).sum();
    int perFile = Math.max(FEWEST_PER_FILE, total / Math.max(1, files.size()) + 1);
    while (perFile <= MOST_PER_FILE) {
      List<List<Position>> sets = split(positions, files, wanted, perFile, random);
      if (sets.size() == wanted.size()) {
        return sets;
      }
      perFile++;
    }
    throw new IllegalStateException(
        "the %,d %s files hold no %,d positions in disjoint files, at most %d a file (ask for fewer)"
            .formatted(files.size(), part, total, MOST_PER_FILE));
  }

  /** Stops at a set that comes short. */
  private static List<List<Position>> split(
      Positions positions,
      List<SourceFile> files,
      List<Integer> wanted,
      int perFile,
      RandomGenerator random) {
    List<List<Position>> sets = new ArrayList<>();
    List<SourceFile> rest = files;
    for (int count : wanted) {
      List<Position> set = positions.draw(rest, count, perFile, random);
      if (set.size() < count) {
        return sets;
      }
      sets.add(set);
      rest = rest.subList(rest.indexOf(set.getLast().file()) + 1, rest.size());
    }
    return sets;
  }

  /** Returns the files of {@code set}. */
  public static Set<SourceFile> filesOf(List<Position> set) {
    Set<SourceFile> files = new HashSet<>();
    set.forEach(position -> files.add(position.file()));
    return files;
  }
}
