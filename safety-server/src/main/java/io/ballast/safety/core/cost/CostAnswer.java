package io.ballast.safety.core.cost;

import io.ballast.kit.call.PhaseTimes;
import java.util.List;

/**
 * What came of a request for costs.
 *
 * @param items in the order asked
 * @param threshold that the verdicts rest on
 * @param model that answered
 * @param times where the time went: of each phase the longest of any item
 */
public record CostAnswer(
    List<JudgedItem> items, double threshold, CostModel model, PhaseTimes times) {
  public CostAnswer {
    items = List.copyOf(items);
  }
}
