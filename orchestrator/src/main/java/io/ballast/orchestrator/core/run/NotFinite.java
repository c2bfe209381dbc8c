package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.Texts;
import io.ballast.orchestrator.core.learner.BatchLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.rl.objective.Objective;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds which completions made a loss or its gradient not finite, and says so. */
final class NotFinite {
  private NotFinite() {}

  /**
   * What is to blame.
   *
   * @param words say so
   * @param prompt the index of the only one, if one alone is
   */
  record Diagnosis(String words, OptionalInt prompt) {
    /** Of {@code judged} those that may be to blame: the only one, or all. */
    List<JudgedGroup> suspects(List<JudgedGroup> judged) {
      return prompt.isPresent() ? List.of(judged.get(prompt.getAsInt())) : judged;
    }
  }

  /**
   * Returns what is to blame for an update that could not be taken, with the group if one alone is.
   * Changes nothing: only forward passes are run.
   *
   * @param failure what the update said
   * @param judged by their indexes, the groups' ids
   */
  static Diagnosis diagnosis(
      Trainee trainee,
      Objective objective,
      Passes passes,
      RuntimeException failure,
      List<JudgedGroup> judged) {
    for (int i = 0; i < passes.groups().size(); i++) {
      RuntimeException flaw = flaw(trainee, objective, passes.only(i));
      if (flaw != null) {
        int prompt = Integer.parseInt(passes.batch().groups().get(i).groupId());
        return new Diagnosis(words(flaw, List.of(judged.get(prompt))), OptionalInt.of(prompt));
      }
    }
    return new Diagnosis(
        "%s; no prompt alone is to blame".formatted(failure.getMessage()), OptionalInt.empty());
  }

  private static @Nullable RuntimeException flaw(
      Trainee trainee, Objective objective, Passes passes) {
    try {
      GroupScores scores = trainee.scores(passes.groups(), WhichWeights.CURRENT).getFirst();
      var gradients = new BatchLoss(objective, passes.batch()).gradients(0, scores);
      return null;
    } catch (ModelException | ArithmeticException | IllegalArgumentException e) {
      return e;
    }
  }

  /**
   * Says what is to blame, in words that a log may have: of the prompt its length, since what it
   * says is in the file of the samples.
   *
   * @param failure what was said of it
   * @param blamed at least one
   */
  static String words(RuntimeException failure, List<JudgedGroup> blamed) {
    JudgedGroup first = blamed.getFirst();
    String rewards =
        first.completions().stream()
            .flatMap(each -> each.reward().stream().boxed())
            .map(reward -> Double.toString(reward))
            .collect(Collectors.joining(", "));
    return "%s; it is of a prompt of %s%s%s"
        .formatted(
            failure.getMessage(),
            Texts.counted(first.prompt().length(), "character"),
            rewards.isEmpty() ? "" : ", rewards " + rewards,
            blamed.size() == 1 ? "" : ", and %d more of the prompts".formatted(blamed.size() - 1));
  }
}
