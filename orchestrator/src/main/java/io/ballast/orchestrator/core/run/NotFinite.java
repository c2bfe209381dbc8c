package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds which completions made a loss or its gradient not finite, and says so. */
final class NotFinite {
  private static final int MOST_SHOWN = 80;

  private NotFinite() {}

  /**
   * What is to blame.
   *
   * @param words say so
   * @param prompt the index of the only one, if one alone is
   */
  record Diagnosis(String words, OptionalInt prompt) {}

  /**
   * Returns what is to blame for an update that could not be taken, with the group if one alone is.
   * Changes nothing: only forward passes are run.
   *
   * @param promptOf the text of a group's prompt
   * @param failure what the update said
   */
  static Diagnosis diagnosis(
      Trainee trainee,
      Objective objective,
      Passes passes,
      RuntimeException failure,
      Function<Group, String> promptOf) {
    for (int i = 0; i < passes.groups().size(); i++) {
      String flaw = flaw(trainee, objective, passes, i);
      if (flaw != null) {
        Group group = passes.batch().groups().get(i);
        return new Diagnosis(
            "%s; it is of the prompt '%s', rewards %s"
                .formatted(flaw, shown(promptOf.apply(group)), rewards(group)),
            OptionalInt.of(Integer.parseInt(group.groupId())));
      }
    }
    return new Diagnosis(
        "%s; no prompt alone is to blame".formatted(failure.getMessage()), OptionalInt.empty());
  }

  private static @Nullable String flaw(
      Trainee trainee, Objective objective, Passes passes, int index) {
    Batch batch = Batch.of(passes.batch().groups().get(index));
    List<TrainingGroup> group = List.of(passes.groups().get(index));
    try {
      GroupScores scores = trainee.scores(group, WhichWeights.CURRENT).getFirst();
      var gradients = new BatchLoss(objective, batch).gradients(0, scores);
      return null;
    } catch (ModelException | ArithmeticException | IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** The end of a prompt, where completions go on. */
  private static String shown(String prompt) {
    return prompt.length() <= MOST_SHOWN
        ? prompt
        : "…" + prompt.substring(prompt.length() - MOST_SHOWN);
  }

  private static String rewards(Group group) {
    return group.samples().stream()
        .map(sample -> Double.toString(sample.number(PerSequenceName.REWARD)))
        .collect(Collectors.joining(", "));
  }
}
