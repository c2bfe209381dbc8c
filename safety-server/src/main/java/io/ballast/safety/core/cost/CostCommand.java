package io.ballast.safety.core.cost;

import io.ballast.kit.call.Lane;
import io.ballast.kit.call.VersionSelector;
import java.util.List;
import java.util.OptionalDouble;

/** Completions to judge, by which model, at which threshold; empty: the server's. */
public record CostCommand(
    Lane lane, VersionSelector model, List<CostItem> items, OptionalDouble threshold) {
  public CostCommand {
    items = List.copyOf(items);
  }
}
