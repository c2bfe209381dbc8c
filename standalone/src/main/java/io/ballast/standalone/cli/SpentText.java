package io.ballast.standalone.cli;

import io.ballast.orchestrator.adapter.SpecDifferences;
import io.ballast.orchestrator.core.spec.BudgetSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunSpent;
import java.time.Duration;
import java.util.Locale;

/** What a run has used up, beside what its spec allows. */
final class SpentText {
  private SpentText() {}

  /** Returns it in words; empty of a run that has nothing to tell. */
  static String of(Run run) {
    if (!run.getLatest().hasSpent()) {
      return "";
    }
    RunSpent spent = run.getLatest().getSpent();
    RunSpec spec = SpecDifferences.meaning(run.getSpec());
    BudgetSpec budget = spec == null ? BudgetSpec.NONE : spec.budget();
    Long tokens = budget.completionTokens();
    Duration time = budget.time();
    Double money = budget.money();
    return number("%,d", spent.getCompletionTokensCount())
        + (tokens == null ? "" : number(" of %,d", tokens))
        + " completion tokens, "
        + DurationText.of(spent.getSeconds())
        + (time == null ? "" : " of " + DurationText.of(time.toMillis() / 1e3))
        + (spent.hasMoney() ? number(", money %.4f", spent.getMoney()) : "")
        + (money == null ? "" : number(" of %.4f", money));
  }

  private static String number(String format, Object value) {
    return String.format(Locale.ROOT, format, value);
  }
}
