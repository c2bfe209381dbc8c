package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.CostModelSource;
import io.ballast.safety.core.cost.HeadScores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cost models in model folders: heads whose {@code config.json} names their trunk. A folder that
 * cannot be read is reported once and left out; the others serve.
 */
public final class FolderCostModels implements CostModelSource {
  private static final Logger LOG = LoggerFactory.getLogger(FolderCostModels.class);
  private static final String CONFIG = "config.json";
  private static final String FORMAT = "\"ballast-scoring-heads\"";

  private final List<Path> roots;
  private final Path cache;
  private final int threads;
  private final Set<String> reported = ConcurrentHashMap.newKeySet();
  private volatile Map<PinnedVersion, Found> found = Map.of();

  private record Found(StoredModel folder, ScoringSpec spec, CostModel model) {}

  /**
   * Looks through the folders; the first of equal names and versions wins.
   *
   * @param roots folders of {@code <name>/<version>/}
   * @param cache where ONNX files are written at the first start
   * @param threads of one batch
   */
  public FolderCostModels(List<Path> roots, Path cache, int threads) {
    this.roots = List.copyOf(roots);
    this.cache = cache;
    this.threads = threads;
    refresh();
  }

  @Override
  public void refresh(String model) {
    refresh();
  }

  private void refresh() {
    Map<String, StoredModel> folders = new TreeMap<>();
    for (Path root : roots) {
      for (StoredModel folder : new ModelStore(root).list()) {
        folders.putIfAbsent(folder.name() + "/" + folder.version(), folder);
      }
    }
    Map<PinnedVersion, Found> models = new LinkedHashMap<>();
    folders
        .values()
        .forEach(folder -> consider(folder).ifPresent(each -> models.put(each.model().id(), each)));
    found = models;
  }

  private Optional<Found> consider(StoredModel folder) {
    try {
      Path config = folder.folder().resolve(CONFIG);
      if (!Files.isRegularFile(config) || !Files.readString(config).contains(FORMAT)) {
        return Optional.empty(); // another kind of model
      }
      ScoringSpec spec = ScoringModelFolder.readSpec(folder.folder());
      return spec.kind() == ScoringKind.COST
          ? Optional.of(new Found(folder, spec, model(folder, spec)))
          : Optional.empty();
    } catch (IOException | ModelException e) {
      String flaw =
          "%s %s cannot be served: %s".formatted(folder.name(), folder.version(), e.getMessage());
      if (reported.add(flaw)) {
        LOG.error(flaw);
      }
      return Optional.empty();
    }
  }

  private static CostModel model(StoredModel folder, ScoringSpec spec) {
    String sha =
        ModelManifest.read(folder.folder())
            .flatMap(ModelManifest::weightsSha256)
            .orElseThrow(
                () ->
                    new ModelException(
                        ModelException.Reason.INVALID_FOLDER,
                        folder.folder().resolve(ModelManifest.FILE) + ": the file is missing"));
    return model(new PinnedVersion(folder.name(), folder.version(), sha), spec);
  }

  /** The engine of all lanes. */
  private static Function<Lane, BatchEngine<TokenIds, TokenIds, HeadScores>> one(
      OnnxScorer scorer) {
    CompletionCostEngine engine = new CompletionCostEngine(scorer);
    return lane -> engine;
  }

  /** The model that a folder describes, wherever its weights are. */
  static CostModel model(PinnedVersion id, ScoringSpec spec) {
    return new CostModel(
        id, spec.heads(), new PlattScaling(spec.calibration().a(), spec.calibration().b()));
  }

  @Override
  public List<CostModel> list() {
    return found.values().stream().map(Found::model).toList();
  }

  @Override
  public Opened open(CostModel model) {
    Found folder =
        Optional.ofNullable(found.get(model.id()))
            .orElseThrow(
                () -> new MeshException(Fault.UNKNOWN_MODEL, model.id() + ": not in a folder"));
    StoredModel heads = folder.folder();
    StoredModel trunk = trunk(folder.spec());
    try {
      return new Opened(
          HuggingFaceTokenizerAdapter.ofFolder(trunk.folder()),
          one(OnnxScorer.open(trunk.folder(), heads.folder(), cache, threads)),
          Optional.empty());
    } catch (ModelException e) {
      throw ModelFaults.translate(
          e,
          message ->
              trunk.withoutPath(heads.withoutPath(message)).replace(cache.toString(), "onnx"));
    }
  }

  private StoredModel trunk(ScoringSpec spec) {
    return roots.stream()
        .flatMap(
            root ->
                new ModelStore(root).find(spec.trunk().model(), spec.trunk().version()).stream())
        .findFirst()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_MODEL,
                    "the heads stand on %s %s, which is in none of the model folders"
                        .formatted(spec.trunk().model(), spec.trunk().version())));
  }
}
