package io.ballast.reward.adapter;

import io.ballast.inference.triton.PlacedScoring;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleSource;
import io.ballast.reward.core.MemberScorer;
import io.ballast.reward.core.PromptGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Ensembles that run behind Triton, and those of another source. Where the folder is here too,
 * Triton must have the same weights. Until Triton was reached once, the folders say what there is.
 * Thread-safe.
 */
public final class TritonEnsembles implements EnsembleSource {
  private final PlacedScoring placed;
  private final EnsembleSource others;

  /**
   * @param placed stays its owner's
   * @param others has the ensembles that do not run there
   */
  public TritonEnsembles(PlacedScoring placed, EnsembleSource others) {
    this.placed = placed;
    this.others = others;
  }

  @Override
  public List<Ensemble> list() {
    List<Ensemble> all = new ArrayList<>();
    for (Ensemble ensemble : others.list()) {
      String name = ensemble.id().model();
      if (!placed.has(name) || !placed.knows(name)) {
        all.add(ensemble);
      }
    }
    placed.list().forEach(known -> all.add(FolderEnsembles.ensemble(known.id(), known.spec())));
    return List.copyOf(all);
  }

  @Override
  public void refresh(String model) {
    if (placed.has(model)) {
      placed.refresh(model);
    } else {
      others.refresh(model);
    }
  }

  @Override
  public boolean isElsewhere(String model) {
    return placed.has(model);
  }

  @Override
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>(others.flaws());
    flaws.putAll(placed.flaws(list().stream().map(Ensemble::id).toList()));
    return flaws;
  }

  @Override
  public Opened open(Ensemble ensemble) {
    PinnedVersion id = ensemble.id();
    if (!placed.has(id.model())) {
      return others.open(ensemble);
    }
    PlacedScoring.Open opened = placed.open(id, folder(id));
    return new Opened(
        opened.tokenizer(),
        new Members(opened, Lane.INTERACTIVE),
        Optional.of(new Apart(placed.place().batchTokens(), placed.place().inFlight())));
  }

  /** The checksum of the folder of this name and version, if it is here. */
  private Optional<String> folder(PinnedVersion id) {
    return others.list().stream()
        .map(Ensemble::id)
        .filter(one -> one.model().equals(id.model()) && one.version().equals(id.version()))
        .map(PinnedVersion::weightsSha256)
        .findFirst();
  }

  /** The members of an ensemble there, for the work of one lane. */
  private static final class Members implements MemberScorer {
    private final PlacedScoring.Open opened;
    private final MemberScorer scorer;

    Members(PlacedScoring.Open opened, Lane lane) {
      this.opened = opened;
      this.scorer = new CompletionMemberScorer(opened.scorer(lane));
    }

    @Override
    public MemberScorer in(Lane lane) {
      return new Members(opened, lane);
    }

    @Override
    public List<List<CompletionScores>> score(List<PromptGroup> groups) {
      return scorer.score(groups);
    }

    @Override
    public void close() {
      scorer.close();
    }
  }
}
