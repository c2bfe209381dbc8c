package io.ballast.safety.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.kit.shadow.ShadowTraffic;
import io.ballast.kit.shadow.ShadowTraffic.Served;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.CostItem;
import io.ballast.safety.core.cost.CostScorer;
import io.ballast.safety.core.cost.CostSettings;
import io.ballast.safety.core.cost.JudgedItem;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Judges through {@code next}, and asks a candidate afterwards what what serves was asked: a share
 * of the calls, as batch work, into metrics alone. Probabilities of harm are compared.
 */
public final class ShadowedCosts implements CostScorer {
  private final CostScorer next;
  private final CostScorer unwatched;
  private final ShadowTarget target;
  private final CostSettings settings;
  private final ShadowTraffic shadow;

  /**
   * @param unwatched judges too, and counts among no verdicts
   * @param shadow stays its owner's
   */
  public ShadowedCosts(
      CostScorer next,
      CostScorer unwatched,
      ShadowTarget target,
      CostSettings settings,
      ShadowTraffic shadow) {
    this.next = next;
    this.unwatched = unwatched;
    this.target = target;
    this.settings = settings;
    this.shadow = shadow;
  }

  @Override
  public CostAnswer judge(CostCommand command, CallPatience caller) {
    CostAnswer answer = next.judge(command, caller);
    if (asksWhatServes(command.model()) && shadow.takesNext()) {
      offer(command, answer);
    }
    return answer;
  }

  private boolean asksWhatServes(VersionSelector model) {
    return model.kind() == VersionSelector.Kind.ALIAS
        && (model.model().isEmpty() || model.model().equals(settings.defaultModel()));
  }

  private void offer(CostCommand command, CostAnswer answer) {
    List<CostItem> asked =
        command.items().subList(0, Math.min(command.items().size(), ShadowTraffic.MAX_ITEMS));
    List<Served> served = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      served.add(new Served(asked.get(i).prompt(), harm(answer.items().get(i))));
    }
    CostCommand again =
        new CostCommand(
            Lane.BATCH,
            VersionSelector.version(target.model(), target.version()),
            command.truncation(),
            asked,
            command.threshold());
    shadow.offer(
        served,
        () ->
            unwatched.judge(again, CallPatience.upTo(settings.modelTimeout())).items().stream()
                .map(ShadowedCosts::harm)
                .toList());
  }

  private static OptionalDouble harm(JudgedItem item) {
    return switch (item.cost()) {
      case Cost.Estimated estimated -> OptionalDouble.of(estimated.harmProbability());
      case Cost.Missing missing -> OptionalDouble.empty();
    };
  }
}
