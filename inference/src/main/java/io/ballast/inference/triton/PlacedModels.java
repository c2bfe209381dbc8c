package io.ballast.inference.triton;

import io.ballast.inference.scoring.CompletionEngine;
import io.ballast.inference.scoring.FolderScoring;
import io.ballast.inference.scoring.KeptScores;
import io.ballast.inference.scoring.ScoringModel;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.inference.scoring.ScoringUse;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Scoring models that run behind Triton, and those of another source. Where the folder is here too,
 * Triton must have the same weights. Until Triton was reached once, the folders say what there is.
 * Thread-safe.
 *
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public final class PlacedModels<M extends ScoringModel, R> implements ScoringSource<M, R> {
  private final ScoringUse<M, R> use;
  private final PlacedScoring placed;
  private final ScoringSource<M, R> others;

  /**
   * @param placed closed with this
   * @param others has the models that do not run there
   */
  public PlacedModels(ScoringUse<M, R> use, PlacedScoring placed, ScoringSource<M, R> others) {
    this.use = use;
    this.placed = placed;
    this.others = others;
  }

  /**
   * Opens where an operator wants models to run; what does not run there is run here, from its
   * folder.
   *
   * @param property what the place is called in front of its own properties
   * @param defaultModel is looked for there, as is what the folders have
   * @param environment gives a variable's value
   * @param guards makes the breaker of a peer of this name
   * @throws MeshException PRECONDITION_FAILED if the token is not there or blank, or the file of
   *     authorities is none
   */
  public static <M extends ScoringModel, R> ScoringSource<M, R> open(
      ScoringPlace place,
      String property,
      String defaultModel,
      FolderScoring<M, R> folders,
      Function<String, @Nullable String> environment,
      Function<String, PeerGuard> guards) {
    if (place.isNowhere()) {
      return folders;
    }
    Set<String> usual = new TreeSet<>(Set.of(defaultModel));
    folders.list().forEach(model -> usual.add(model.id().model()));
    PlacedScoring placed =
        new PlacedScoring(
            place,
            connect(place, property, environment),
            folders.use().kind(),
            usual,
            folders.roots(),
            guards);
    return new PlacedModels<>(folders.use(), placed, folders);
  }

  private static ScoringFleet connect(
      ScoringPlace place, String property, Function<String, @Nullable String> environment) {
    try {
      return place.open(environment);
    } catch (IllegalArgumentException e) {
      throw new MeshException(Fault.PRECONDITION_FAILED, property + "." + e.getMessage(), e);
    }
  }

  @Override
  public List<M> list() {
    List<M> all = new ArrayList<>();
    for (M model : others.list()) {
      String name = model.id().model();
      if (!placed.has(name) || !placed.knows(name)) {
        all.add(model);
      }
    }
    placed
        .list()
        .forEach(
            known -> all.add(use.described().describe(known.id(), known.spec(), "", Map.of())));
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
    flaws.putAll(placed.flaws(list().stream().map(ScoringModel::id).toList()));
    return flaws;
  }

  @Override
  public Opened<R> open(M model) {
    PinnedVersion id = model.id();
    if (!placed.has(id.model())) {
      return others.open(model);
    }
    PlacedScoring.Open opened = placed.open(id, folder(id));
    return new Opened<>(
        opened.tokenizer(),
        opened.contextTokens(),
        lane -> new CompletionEngine<>(opened.scorer(lane), use),
        Optional.of(new Apart(placed.place().batchTokens(), placed.place().inFlight())));
  }

  /** Those of the folder, if its weights are what Triton has: both must score alike. */
  @Override
  public Optional<KeptScores> golden(M model) {
    return others.golden(model);
  }

  /** The checksum of the folder of this name and version, if it is here. */
  private Optional<String> folder(PinnedVersion id) {
    return others.list().stream()
        .map(ScoringModel::id)
        .filter(one -> one.model().equals(id.model()) && one.version().equals(id.version()))
        .map(PinnedVersion::weightsSha256)
        .findFirst();
  }

  @Override
  public void close() {
    placed.close();
    others.close();
  }
}
