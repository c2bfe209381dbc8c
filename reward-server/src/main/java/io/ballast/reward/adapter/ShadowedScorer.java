package io.ballast.reward.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.kit.shadow.ShadowTraffic;
import io.ballast.kit.shadow.ShadowTraffic.Served;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.core.ScoredItem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Scores through {@code next}, and asks a candidate afterwards what what serves was asked: a share
 * of the calls, as batch work, into metrics alone.
 */
public final class ShadowedScorer implements RewardScorer {
  private final RewardScorer next;
  private final RewardScorer unwatched;
  private final ShadowTarget target;
  private final String defaultModel;
  private final Duration patience;
  private final ShadowTraffic shadow;

  /**
   * @param unwatched scores too, and is not among what is measured of answers
   * @param defaultModel whose "serving" is compared with
   * @param patience how long the candidate may take
   * @param shadow stays its owner's
   */
  public ShadowedScorer(
      RewardScorer next,
      RewardScorer unwatched,
      ShadowTarget target,
      String defaultModel,
      Duration patience,
      ShadowTraffic shadow) {
    this.next = next;
    this.unwatched = unwatched;
    this.target = target;
    this.defaultModel = defaultModel;
    this.patience = patience;
    this.shadow = shadow;
  }

  @Override
  public ScoreAnswer score(ScoreCommand command, CallPatience caller) {
    ScoreAnswer answer = next.score(command, caller);
    if (asksWhatServes(command.ensemble()) && shadow.takesNext()) {
      offer(command, answer);
    }
    return answer;
  }

  private boolean asksWhatServes(VersionSelector ensemble) {
    return ensemble.kind() == VersionSelector.Kind.ALIAS
        && (ensemble.model().isEmpty() || ensemble.model().equals(defaultModel));
  }

  private void offer(ScoreCommand command, ScoreAnswer answer) {
    List<ScoreItem> asked =
        command.items().subList(0, Math.min(command.items().size(), ShadowTraffic.MAX_ITEMS));
    List<Served> served = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      served.add(new Served(asked.get(i).prompt(), value(answer.items().get(i))));
    }
    ScoreCommand again =
        new ScoreCommand(
            command.behalf().asOperatorsChose(),
            Lane.BATCH,
            VersionSelector.version(target.model(), target.version()),
            command.aggregation(),
            command.truncation(),
            command.anew(),
            asked);
    shadow.offer(
        served,
        () ->
            unwatched.score(again, CallPatience.upTo(patience)).items().stream()
                .map(ShadowedScorer::value)
                .toList());
  }

  private static OptionalDouble value(ScoredItem item) {
    return switch (item.reward()) {
      case Reward.Value value -> OptionalDouble.of(value.value());
      case Reward.Failed failed -> OptionalDouble.empty();
    };
  }

  @Override
  public int maxItems() {
    return next.maxItems();
  }
}
