package io.ballast.orchestrator.core.spec;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a run may use up before it stops learning, beside its iterations. All are of the whole run,
 * however often it was taken up.
 *
 * @param completionTokens sampled, evaluations included, prompts not; ≥ 1; null: as many as it
 *     takes
 * @param time that a worker spends on it, &gt; 0; null: as long as it takes
 * @param money hours times {@code pricePerHour}, &gt; 0, in the unit of the price; null: none
 * @param pricePerHour of a worker's time, &gt; 0; null: nobody knows what the run costs
 */
public record BudgetSpec(
    @Nullable Long completionTokens,
    @Nullable Duration time,
    @Nullable Double money,
    @Nullable Double pricePerHour) {
  /** No budget but the iterations. */
  public static final BudgetSpec NONE = new BudgetSpec(null, null, null, null);
}
