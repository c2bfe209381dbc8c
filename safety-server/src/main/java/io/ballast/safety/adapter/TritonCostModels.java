package io.ballast.safety.adapter;

import io.ballast.inference.triton.PlacedScoring;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.CostModelSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Cost models that run behind Triton, and those of another source. Where the folder is here too,
 * Triton must have the same weights. Until Triton was reached once, the folders say what there is.
 * Thread-safe.
 */
public final class TritonCostModels implements CostModelSource {
  private final PlacedScoring placed;
  private final CostModelSource others;

  /**
   * @param placed stays its owner's
   * @param others has the models that do not run there
   */
  public TritonCostModels(PlacedScoring placed, CostModelSource others) {
    this.placed = placed;
    this.others = others;
  }

  @Override
  public List<CostModel> list() {
    List<CostModel> all = new ArrayList<>();
    for (CostModel model : others.list()) {
      String name = model.id().model();
      if (!placed.has(name) || !placed.knows(name)) {
        all.add(model);
      }
    }
    placed.list().forEach(known -> all.add(FolderCostModels.model(known.id(), known.spec())));
    return List.copyOf(all);
  }

  @Override
  public void refresh(String model) {
    others.refresh(model); // folders may have come too, to compare with
    refreshElsewhere(model);
  }

  @Override
  public void refreshElsewhere(String model) {
    if (placed.has(model)) {
      placed.refresh(model);
    }
  }

  @Override
  public boolean isElsewhere(String model) {
    return placed.has(model);
  }

  @Override
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>(others.flaws());
    flaws.putAll(placed.flaws(list().stream().map(CostModel::id).toList()));
    return flaws;
  }

  @Override
  public Opened open(CostModel model) {
    PinnedVersion id = model.id();
    if (!placed.has(id.model())) {
      return others.open(model);
    }
    PlacedScoring.Open opened = placed.open(id, folder(id));
    return new Opened(
        opened.tokenizer(),
        lane -> new CompletionCostEngine(opened.scorer(lane)),
        Optional.of(new Apart(placed.place().batchTokens(), placed.place().inFlight())));
  }

  /** The checksum of the folder of this name and version, if it is here. */
  private Optional<String> folder(PinnedVersion id) {
    return others.list().stream()
        .map(CostModel::id)
        .filter(one -> one.model().equals(id.model()) && one.version().equals(id.version()))
        .map(PinnedVersion::weightsSha256)
        .findFirst();
  }
}
