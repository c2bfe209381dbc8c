package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Which groups train, which decide when to stop and calibrate, and which are only measured. */
public final class GroupSplit {
  private final int[] train;
  private final int[] validation;
  private final int[] test;

  private GroupSplit(int[] train, int[] validation, int[] test) {
    this.train = train;
    this.validation = validation;
    this.test = test;
  }

  /** Splits by the groups' keys. */
  public static GroupSplit of(FeatureTable table, SplitRule rule) {
    return of(table, rule::of);
  }

  /**
   * Splits by the groups' keys.
   *
   * @param sides the side of a key
   */
  public static GroupSplit of(FeatureTable table, Function<String, Part> sides) {
    return new GroupSplit(
        groups(table, sides, Part.TRAIN),
        groups(table, sides, Part.VALIDATION),
        groups(table, sides, Part.TEST));
  }

  private static int[] groups(FeatureTable table, Function<String, Part> sides, Part part) {
    return IntStream.range(0, table.groups())
        .filter(group -> sides.apply(table.group(group).key()) == part)
        .toArray();
  }

  /** Returns a new array of the groups of a part, ascending. */
  public int[] groups(Part part) {
    return switch (part) {
      case TRAIN -> train.clone();
      case VALIDATION -> validation.clone();
      case TEST -> test.clone();
    };
  }

  /** Returns the first of the groups that are only measured, at most {@code most}, to score. */
  public List<ScoringGroup> measured(FeatureTable table, int most) {
    return Arrays.stream(test)
        .limit(most)
        .mapToObj(table::group)
        .map(group -> new ScoringGroup(group.prompt(), group.completions()))
        .toList();
  }

  /** How many groups a part has. */
  public int size(Part part) {
    return switch (part) {
      case TRAIN -> train.length;
      case VALIDATION -> validation.length;
      case TEST -> test.length;
    };
  }
}
