package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import io.ballast.reward.core.ComponentScore.Voices;
import io.ballast.rl.aggregation.ScoreAggregator;
import io.ballast.rl.stats.Moments;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** What the members of an ensemble said by each of its objectives, beside the reward. */
final class ObjectiveScores {
  private ObjectiveScores() {}

  /**
   * Returns one score for each objective: the mean of the members' normalised scores by it, or the
   * reason for which the item has no reward.
   *
   * @param members what they said, shape [K]; empty if none was asked
   * @param time that the heads of all of them took
   */
  static List<ComponentScore> of(
      Ensemble ensemble, Reward reward, List<MemberJudgement> members, Duration time) {
    if (members.isEmpty()) {
      return List.of();
    }
    List<ComponentScore> scores = new ArrayList<>();
    for (int o = 0; o < ensemble.objectives().size(); o++) {
      Objective objective = ensemble.objectives().get(o);
      List<MemberJudgement> judgements = new ArrayList<>();
      for (int k = 0; k < members.size(); k++) {
        judgements.add(
            RewardJudge.judge(
                objective.members().get(k), outcome(members.get(k).outcome(), objective, o)));
      }
      scores.add(score(objective, reward, judgements, time));
    }
    return scores;
  }

  private static MemberOutcome outcome(MemberOutcome outcome, Objective objective, int index) {
    return switch (outcome) {
      case MemberOutcome.Missing missing -> missing;
      case MemberOutcome.Raw raw when index < raw.objectives().size() ->
          new MemberOutcome.Raw(raw.objectives().get(index));
      case MemberOutcome.Raw raw ->
          new MemberOutcome.Missing(
              new ItemFault(
                  ItemFault.Reason.MODEL_ERROR, "no score by '%s'".formatted(objective.name())));
    };
  }

  private static ComponentScore score(
      Objective objective, Reward reward, List<MemberJudgement> judgements, Duration time) {
    double[] answered =
        judgements.stream()
            .map(MemberJudgement::normalised)
            .filter(OptionalDouble::isPresent)
            .mapToDouble(OptionalDouble::getAsDouble)
            .toArray();
    Optional<ItemFault> fault =
        reward instanceof Reward.Failed failed
            ? Optional.of(failed.fault())
            : answered.length > 0
                ? Optional.empty()
                : Optional.of(
                    new ItemFault(
                        ItemFault.Reason.MODEL_ERROR,
                        "no member scored by '%s'".formatted(objective.name())));
    return new ComponentScore(
        objective.name(),
        objective.weight(),
        fault
            .<ComponentOutcome>map(ComponentOutcome.Failed::new)
            .orElseGet(() -> new ComponentOutcome.Value(Moments.mean(answered), "")),
        time,
        Optional.of(
            new Voices(
                objective.members(),
                judgements,
                fault.isPresent()
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(ScoreAggregator.spread(answered)),
                Optional.empty())));
  }
}
