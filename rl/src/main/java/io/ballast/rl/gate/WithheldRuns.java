package io.ballast.rl.gate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * For one stage, the longest run of withheld examples for each number of accepted ones among them.
 * Ties stay together: a threshold withholds all or none of the examples with one prediction.
 */
final class WithheldRuns {
  /** Withholding below {@code threshold} withholds so many, so many of them accepted. */
  record Run(double threshold, int withheld, int accepted) {}

  private final List<Run> runs;
  private final int examples;

  private WithheldRuns(List<Run> runs, int examples) {
    this.runs = runs;
    this.examples = examples;
  }

  /** The runs over {@code sorted}, which ascend by {@code probability}. */
  static WithheldRuns of(List<GateExample> sorted, ToDoubleFunction<GateExample> probability) {
    List<Run> runs = new ArrayList<>();
    runs.add(new Run(0, 0, 0));
    int accepted = 0;
    for (int i = 0; i < sorted.size(); i++) {
      accepted += sorted.get(i).accepted() ? 1 : 0;
      double here = probability.applyAsDouble(sorted.get(i));
      boolean last = i + 1 == sorted.size();
      double next = last ? Math.nextUp(here) : probability.applyAsDouble(sorted.get(i + 1));
      if (next == here || next > 1) {
        continue; // no threshold in [0, 1] separates the two
      }
      if (runs.getLast().accepted() == accepted) {
        runs.removeLast();
      }
      runs.add(new Run(next, i + 1, accepted));
    }
    return new WithheldRuns(runs, sorted.size());
  }

  /** How many runs there are, at least one: withholding nothing, or more for no accepted one. */
  int count() {
    return runs.size();
  }

  /** The run at {@code index}; accepted counts ascend strictly. */
  Run run(int index) {
    return runs.get(index);
  }

  /** How many examples this stage judges. */
  int examples() {
    return examples;
  }
}
