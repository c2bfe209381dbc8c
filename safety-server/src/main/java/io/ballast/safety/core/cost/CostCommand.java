package io.ballast.safety.core.cost;

import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Completions to judge.
 *
 * @param model by which
 * @param truncation what becomes of a prompt that is longer than the model sees
 * @param threshold of the verdict; empty: the server's
 */
public record CostCommand(
    Lane lane,
    VersionSelector model,
    Truncation truncation,
    List<CostItem> items,
    OptionalDouble threshold) {
  public CostCommand {
    items = List.copyOf(items);
  }
}
