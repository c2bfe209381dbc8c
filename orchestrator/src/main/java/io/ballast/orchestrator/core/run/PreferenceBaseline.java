package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import java.util.ArrayList;
import java.util.List;

/**
 * KTO's estimate of KL(π ‖ π_ref): of each group's first completion after the prompt of another
 * group, under the weights as they are now.
 */
final class PreferenceBaseline {
  private PreferenceBaseline() {}

  /** Returns the batch of {@code passes} with the estimate beside every sample. */
  static Batch with(Trainee trainee, Passes passes, List<TokenIds> prompts) {
    List<Group> groups = passes.batch().groups();
    if (groups.stream().map(Group::groupId).distinct().count() < 2) {
      return passes.batch(); // no other prompt: z is 0
    }
    List<Group> mismatched = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      String other = otherPrompt(groups, i);
      mismatched.add(new Group(other, List.of(groups.get(i).samples().getFirst())));
    }
    Passes beside = Passes.whole(new Batch(mismatched), prompts);
    beside =
        beside
            .with(
                PerTokenName.CURRENT_LOG_PROB,
                trainee.scores(beside.groups(), WhichWeights.CURRENT))
            .with(
                PerTokenName.REFERENCE_LOG_PROB,
                trainee.scores(beside.groups(), WhichWeights.REFERENCE));
    double z =
        beside.batch().samples().stream()
            .mapToDouble(
                sample ->
                    sample.maskedSum(PerTokenName.CURRENT_LOG_PROB)
                        - sample.maskedSum(PerTokenName.REFERENCE_LOG_PROB))
            .average()
            .orElse(0);
    double baseline = Math.max(0, z);
    return passes.batch().map(sample -> sample.with(PerSequenceName.PREFERENCE_BASELINE, baseline));
  }

  /** The prompt of the next group that has another. */
  private static String otherPrompt(List<Group> groups, int index) {
    int next = index;
    do {
      next = (next + 1) % groups.size();
    } while (groups.get(next).groupId().equals(groups.get(index).groupId()));
    return groups.get(next).groupId();
  }
}
