package io.ballast.reward.component;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.Content;
import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.testing.Composites;
import java.util.List;
import java.util.Map;

/** A composite of a single component, asked directly. */
final class OneComponent {
  private static final RewardScorer NO_ENSEMBLES =
      new RewardScorer() {
        @Override
        public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
          throw new AssertionError("no ensemble is asked");
        }

        @Override
        public int maxItems() {
          return 1;
        }
      };

  private final Recipe recipe;

  /**
   * @param settings its JSON, with single quotes
   */
  OneComponent(String settings) {
    recipe = RecipeReader.read(Composites.json("{'it': %s}".formatted(settings), "'it'"));
  }

  ComponentOutcome.Value judge(ScoreItem item) throws CannotJudge {
    return judge(item, Outside.none());
  }

  ComponentOutcome.Value judge(ScoreItem item, Outside outside) throws CannotJudge {
    return judge((ItemComponent) recipe.component("it"), item, outside);
  }

  /** The same by another component. */
  ComponentOutcome.Value judge(ItemComponent component, ScoreItem item, Outside outside)
      throws CannotJudge {
    Tools tools = new Tools(NO_ENSEMBLES, (ensemble, text, patience) -> text.length(), outside);
    ScoreCommand command =
        new ScoreCommand(
            new OnBehalf("acme", false),
            Lane.INTERACTIVE,
            VersionSelector.version("it", "1"),
            AggregationChoice.unspecified(),
            Truncation.REFUSE,
            false,
            List.of(item));
    return component.judge(
        new Candidate(item, 1_000_000),
        new Judging(command, recipe, CallPatience.endless(), tools));
  }

  double value(String completion) throws CannotJudge {
    return judge(item(completion, Map.of())).value();
  }

  double value(String completion, Map<String, String> references) throws CannotJudge {
    return judge(item(completion, references)).value();
  }

  static ScoreItem item(String completion, Map<String, String> references) {
    return new ScoreItem(
        "", "items[0]", new Content.Text("p"), new Content.Text(completion), references);
  }

  static ScoreItem tokens() {
    return new ScoreItem("", "items[0]", new Content.Text("p"), new Content.Tokens(TokenIds.of(1)));
  }
}
