package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import io.ballast.reward.core.CompletionScores.Judged;
import io.ballast.reward.core.CompletionScores.Refused;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Makes one conservative reward of what the members said. Members are brought to one scale first;
 * fewer answers than the quorum make a typed failure.
 *
 * @param ensemble the members, in the order of the scores
 * @param quorum how many members must answer
 * @param aggregator how the normalised scores become one
 */
record RewardJudge(Ensemble ensemble, Quorum quorum, ScoreAggregator aggregator) {
  /** A reward with the members' words that it rests on. */
  record Judgement(Reward reward, List<MemberJudgement> members) {}

  Judgement judge(CompletionScores scores) {
    return switch (scores) {
      case Refused refused -> new Judgement(new Reward.Failed(refused.fault()), List.of());
      case Judged judged -> judge(judged);
    };
  }

  private Judgement judge(Judged judged) {
    int count = ensemble.members().size();
    if (judged.members().size() != count) {
      return new Judgement(
          new Reward.Failed(
              new ItemFault(
                  ItemFault.Reason.MODEL_ERROR,
                  "%d members answered (expected: %d)".formatted(judged.members().size(), count))),
          List.of());
    }
    List<MemberJudgement> members = new ArrayList<>(count);
    for (int k = 0; k < count; k++) {
      members.add(judge(ensemble.members().get(k), judged.members().get(k)));
    }
    double[] answered =
        members.stream()
            .map(MemberJudgement::normalised)
            .filter(OptionalDouble::isPresent)
            .mapToDouble(OptionalDouble::getAsDouble)
            .toArray();
    if (answered.length < quorum.members()) {
      return new Judgement(new Reward.Failed(quorumLost(members, answered.length)), members);
    }
    double value = aggregator.aggregate(answered);
    double spread = ScoreAggregator.spread(answered);
    return new Judgement(
        Double.isFinite(value) && Double.isFinite(spread)
            ? Reward.Value.of(value, spread)
            : new Reward.Failed(
                new ItemFault(
                    ItemFault.Reason.MODEL_ERROR,
                    "reward %s, spread %s of finite scores (expected: finite)"
                        .formatted(value, spread))),
        members);
  }

  /** Brings what a member said to the common scale; a number that is not finite is none. */
  static MemberJudgement judge(Member member, MemberOutcome outcome) {
    return switch (outcome) {
      case MemberOutcome.Missing missing -> new MemberJudgement(missing, OptionalDouble.empty());
      case MemberOutcome.Raw raw -> {
        double normalised =
            Double.isFinite(raw.score()) ? member.scale().normalise(raw.score()) : Double.NaN;
        yield Double.isFinite(normalised)
            ? new MemberJudgement(raw, OptionalDouble.of(normalised))
            : new MemberJudgement(
                new MemberOutcome.Missing(
                    new ItemFault(
                        ItemFault.Reason.MODEL_ERROR,
                        "%s: score %s (expected: finite)"
                            .formatted(member.id().model(), raw.score()))),
                OptionalDouble.empty());
      }
    };
  }

  private ItemFault quorumLost(List<MemberJudgement> members, int answered) {
    StringBuilder message =
        new StringBuilder(
            "%d of %d members answered, quorum %d"
                .formatted(answered, members.size(), quorum.members()));
    if (quorum.raised()) {
      message.append(
          " (%s needs all: the worst may be missing)"
              .formatted(AggregationNames.of(aggregator.method())));
    }
    for (int k = 0; k < members.size(); k++) {
      if (members.get(k).outcome() instanceof MemberOutcome.Missing missing) {
        message.append("; member ").append(k).append(": ").append(missing.fault().message());
      }
    }
    return new ItemFault(ItemFault.Reason.QUORUM_LOST, message.toString());
  }
}
