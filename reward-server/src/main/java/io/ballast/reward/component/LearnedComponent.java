package io.ballast.reward.component;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ComponentScore.Voices;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoredBy;
import io.ballast.reward.core.ScoredItem;
import io.ballast.rl.aggregation.AggregationMethod;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * An ensemble of reward models: the same way as a Score that names it, all items in one batch.
 *
 * @param ensemble exactly these weights
 * @param aggregation how its members become one value
 */
public record LearnedComponent(PinnedVersion ensemble, AggregationChoice aggregation)
    implements BatchComponent {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final double USUAL_LAMBDA = 0.5;
  private static final double USUAL_QUANTILE = 0.25;

  static LearnedComponent read(Settings settings) {
    String sha256 = settings.text("weights_sha256");
    if (!SHA256.matcher(sha256).matches()) {
      throw new CompositeFlaw(
          settings.path("weights_sha256"),
          "\"%s\" (expected: 64 lower-case hexadecimal digits)".formatted(sha256));
    }
    return new LearnedComponent(
        new PinnedVersion(settings.text("model"), settings.text("version"), sha256),
        new AggregationChoice(
            settings.choice("aggregation", AggregationMethod.WORST_CASE),
            settings.numberIfGiven("uwo_lambda", 0, 1e9).orElse(USUAL_LAMBDA),
            settings.numberIfGiven("quantile", 1e-9, 0.5).orElse(USUAL_QUANTILE)));
  }

  @Override
  public List<Judged> judge(List<Candidate> candidates, Judging judging) {
    ScoreAnswer answer =
        judging
            .tools()
            .ensembles()
            .score(
                judging
                    .command()
                    .by(VersionSelector.version(ensemble.model(), ensemble.version()), aggregation),
                judging.patience());
    PinnedVersion answered = answer.by().id();
    if (!answered.equals(ensemble)) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "%s/%s: weights %s (expected: %s)"
              .formatted(
                  ensemble.model(),
                  ensemble.version(),
                  answered.weightsSha256(),
                  ensemble.weightsSha256()),
          Map.of("found", answered.weightsSha256(), "expected", ensemble.weightsSha256()));
    }
    return answer.items().stream().map(item -> judged(item, answer.by())).toList();
  }

  private static Judged judged(ScoredItem item, ScoredBy by) {
    return switch (item.reward()) {
      case Reward.Value value ->
          new Judged(
              new ComponentOutcome.Value(value.value(), ""), voices(item, by, value.spread()));
      case Reward.Failed failed ->
          new Judged(
              new ComponentOutcome.Failed(failed.fault()),
              voices(item, by, OptionalDouble.empty()));
    };
  }

  private static Optional<Voices> voices(ScoredItem item, ScoredBy by, OptionalDouble spread) {
    return by instanceof ScoredBy.Members members
        ? Optional.of(new Voices(members.ensemble().members(), item.members(), spread, item.cut()))
        : Optional.empty();
  }
}
