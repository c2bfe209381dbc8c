package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.ScoringFleet;
import io.ballast.inference.triton.ScoringFleet.OpenScoring;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.inference.triton.ServedScoring;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerGuard.Permit;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ensembles that run behind Triton, and those of another source. What Triton has is taken from its
 * configuration, so only the trunk's tokenizer need be here; where the folder is here too, Triton
 * must have the same weights. Until Triton was reached once, the folders say what there is.
 * Thread-safe.
 */
public final class TritonEnsembles implements EnsembleSource, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TritonEnsembles.class);

  private final ScoringPlace place;
  private final ScoringFleet fleet;
  private final EnsembleSource others;
  private final List<Path> roots;
  private final Set<String> expected;
  private final Function<String, PeerGuard> guards;
  private final Map<String, List<ServedScoring>> found = new ConcurrentHashMap<>();
  private final Map<String, String> unreached = new ConcurrentHashMap<>();
  private final Map<PinnedVersion, String> refused = new ConcurrentHashMap<>();
  private final Map<PinnedVersion, OpenScoring> open = new ConcurrentHashMap<>();
  private final Map<String, PeerGuard> guarded = new ConcurrentHashMap<>();

  /**
   * Looks what Triton has of the ensembles that it shall run; one that is away is no failure.
   *
   * @param fleet the place's servers; closed with this
   * @param others has the ensembles that do not run there
   * @param roots folders of {@code <name>/<version>/}, for tokenizers
   * @param defaultModel is looked for there even if it is in no folder
   * @param guards makes the breaker of a peer of this name
   */
  public TritonEnsembles(
      ScoringPlace place,
      ScoringFleet fleet,
      EnsembleSource others,
      List<Path> roots,
      String defaultModel,
      Function<String, PeerGuard> guards) {
    this.place = place;
    this.fleet = fleet;
    this.others = others;
    this.roots = List.copyOf(roots);
    this.guards = guards;
    Set<String> names = new TreeSet<>(place.models());
    if (names.isEmpty()) {
      names.add(defaultModel);
      others.list().forEach(ensemble -> names.add(ensemble.id().model()));
    }
    expected = Set.copyOf(names);
    for (String name : names) {
      try {
        refresh(name);
      } catch (MeshException e) {
        LOG.warn("what Triton has of {} is not known: {}", name, e.getMessage());
      }
    }
  }

  @Override
  public List<Ensemble> list() {
    List<Ensemble> all = new ArrayList<>();
    for (Ensemble ensemble : others.list()) {
      String name = ensemble.id().model();
      if (!place.has(name) || !found.containsKey(name)) {
        all.add(ensemble);
      }
    }
    new TreeMap<>(found)
        .forEach((name, versions) -> versions.forEach(each -> all.add(ensemble(name, each))));
    return List.copyOf(all);
  }

  @Override
  public void refresh(String model) {
    if (!place.has(model)) {
      others.refresh(model);
      return;
    }
    Permit permit = guard(model).acquire();
    try {
      List<ServedScoring> versions =
          fleet.find(place.servedName(model)).stream()
              .filter(each -> each.scoring().spec().kind() == ScoringKind.REWARD_ENSEMBLE)
              .toList();
      permit.end(Verdict.SUCCEEDED);
      unreached.remove(model);
      if (!versions.isEmpty() || expected.contains(model)) {
        found.put(model, versions);
      }
    } catch (ModelException e) {
      boolean away = e.reason() == ModelException.Reason.UNAVAILABLE;
      permit.end(away ? Verdict.FAILED : Verdict.SUCCEEDED);
      if (expected.contains(model) && !found.containsKey(model)) {
        unreached.put(model, String.valueOf(e.getMessage()));
      }
      throw new MeshException(
          FolderEnsembles.faultOf(e.reason()), String.valueOf(e.getMessage()), e);
    } finally {
      permit.end(Verdict.IGNORED);
    }
  }

  /** Callers may make up any name: those share a breaker. */
  private PeerGuard guard(String model) {
    return guarded.computeIfAbsent(expected.contains(model) ? "triton:" + model : "triton", guards);
  }

  private static Ensemble ensemble(String name, ServedScoring version) {
    return FolderEnsembles.ensemble(
        new PinnedVersion(name, version.folder().version(), version.folder().weightsSha256()),
        version.scoring().spec());
  }

  @Override
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>(others.flaws());
    flaws.putAll(unreached);
    for (Ensemble ensemble : list()) {
      PinnedVersion id = ensemble.id();
      String why = unreached.getOrDefault(id.model(), refused.get(id));
      OpenScoring scoring = open.get(id);
      if (why == null && scoring != null) {
        why = scoring.noneReady().orElse(null);
      }
      if (why != null) {
        flaws.put(id.model() + " " + id.version(), why);
      }
    }
    return flaws;
  }

  @Override
  public boolean isElsewhere(String model) {
    return place.has(model);
  }

  @Override
  public Opened open(Ensemble ensemble) {
    PinnedVersion id = ensemble.id();
    if (!place.has(id.model())) {
      return others.open(ensemble);
    }
    try {
      Opened opened = openThere(id);
      refused.remove(id);
      return opened;
    } catch (MeshException e) {
      refused.put(id, String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private Opened openThere(PinnedVersion id) {
    ServedScoring version =
        find(id)
            .or(
                () -> {
                  refresh(id.model());
                  return find(id);
                })
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.UNKNOWN_MODEL,
                        "%s %s: Triton has no such version".formatted(id.model(), id.version())));
    requireSameWeights(id, version);
    HuggingFaceTokenizerAdapter tokenizer = tokenizer(version);
    OpenScoring scoring = fleet.open(version);
    open.put(id, scoring);
    return new Opened(
        tokenizer,
        new TritonMembers(scoring, guard(id.model()), Lane.BATCH),
        Optional.of(new Apart(place.batchTokens(), place.inFlight())));
  }

  private Optional<ServedScoring> find(PinnedVersion id) {
    return found.getOrDefault(id.model(), List.of()).stream()
        .filter(version -> version.folder().version().equals(id.version()))
        .findFirst();
  }

  /** An answer tells the weights that gave it: there can be no two opinions on them. */
  private void requireSameWeights(PinnedVersion id, ServedScoring version) {
    String there = version.folder().weightsSha256();
    for (Ensemble folder : others.list()) {
      boolean same =
          folder.id().model().equals(id.model()) && folder.id().version().equals(id.version());
      if (same && !folder.id().weightsSha256().equals(there)) {
        throw new MeshException(
            Fault.CORRUPT_WEIGHTS,
            "%s %s: Triton has weights of SHA-256 %s (expected: as in the model folder, %s)"
                .formatted(id.model(), id.version(), there, folder.id().weightsSha256()));
      }
    }
    if (!id.weightsSha256().equals(there)) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "%s %s: Triton has weights of SHA-256 %s (expected: %s)"
              .formatted(id.model(), id.version(), there, id.weightsSha256()));
    }
  }

  private HuggingFaceTokenizerAdapter tokenizer(ServedScoring version) {
    ScoringSpec spec = version.scoring().spec();
    StoredModel trunk = FolderEnsembles.trunk(roots, spec);
    Path file = trunk.folder().resolve("tokenizer.json");
    try {
      HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk.folder());
      String here = ModelManifest.sha256(file);
      if (version.tokenizerSha256().isPresent() && !version.tokenizerSha256().get().equals(here)) {
        tokenizer.close();
        throw new MeshException(
            Fault.CORRUPT_WEIGHTS,
            "%s/%s/tokenizer.json: SHA-256 %s (expected: that of the model on Triton, %s)"
                .formatted(trunk.name(), trunk.version(), here, version.tokenizerSha256().get()));
      }
      return tokenizer;
    } catch (ModelException e) {
      throw new MeshException(
          FolderEnsembles.faultOf(e.reason()),
          trunk.withoutPath(String.valueOf(e.getMessage())),
          e);
    } catch (IOException e) {
      throw new MeshException(Fault.UNKNOWN_MODEL, trunk.withoutPath(file + ": cannot be read"), e);
    }
  }

  /** Closes the connections; ensembles that are open are their users' to close. */
  @Override
  public void close() {
    fleet.close();
  }
}
