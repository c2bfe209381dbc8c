package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.training.data.SplitRule;
import io.ballast.training.data.SplitRule.Part;
import java.util.Arrays;
import java.util.List;
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
    return new GroupSplit(
        groups(table, rule, Part.TRAIN),
        groups(table, rule, Part.VALIDATION),
        groups(table, rule, Part.TEST));
  }

  private static int[] groups(FeatureTable table, SplitRule rule, Part part) {
    return IntStream.range(0, table.groups())
        .filter(group -> rule.of(table.group(group).key()) == part)
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
