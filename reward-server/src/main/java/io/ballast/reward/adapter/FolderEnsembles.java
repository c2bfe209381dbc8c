package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleSource;
import io.ballast.reward.core.Member;
import io.ballast.rl.aggregation.MemberScale;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ensembles in model folders: heads whose {@code config.json} names their trunk. A folder that
 * cannot be read is reported once and left out; the others serve.
 */
public final class FolderEnsembles implements EnsembleSource {
  private static final Logger LOG = LoggerFactory.getLogger(FolderEnsembles.class);
  private static final String CONFIG = "config.json";
  private static final String FORMAT = "\"ballast-scoring-heads\"";
  private static final String ACCURACY = "within_prompt_accuracy";

  private final List<Path> roots;
  private final Path cache;
  private final int threads;
  private final Map<PinnedVersion, Found> found = new LinkedHashMap<>();

  private record Found(StoredModel folder, ScoringSpec spec, Ensemble ensemble) {}

  /**
   * Looks through the folders, the first of equal names and versions wins.
   *
   * @param roots folders of {@code <name>/<version>/}
   * @param cache where ONNX files are written at the first start
   * @param threads of one batch
   */
  public FolderEnsembles(List<Path> roots, Path cache, int threads) {
    this.roots = List.copyOf(roots);
    this.cache = cache;
    this.threads = threads;
    Map<String, StoredModel> models = new TreeMap<>();
    for (Path root : roots) {
      for (StoredModel model : new ModelStore(root).list()) {
        models.putIfAbsent(model.name() + "/" + model.version(), model);
      }
    }
    models.values().forEach(this::consider);
  }

  private void consider(StoredModel model) {
    try {
      Path config = model.folder().resolve(CONFIG);
      if (!Files.isRegularFile(config) || !Files.readString(config).contains(FORMAT)) {
        return; // another kind of model
      }
      ScoringSpec spec = ScoringModelFolder.readSpec(model.folder());
      if (spec.kind() == ScoringKind.REWARD_ENSEMBLE) {
        Ensemble ensemble = ensemble(model, spec);
        found.put(ensemble.id(), new Found(model, spec, ensemble));
      }
    } catch (IOException | ModelException e) {
      LOG.error("{} {} cannot be served: {}", model.name(), model.version(), e.getMessage());
    }
  }

  private static Ensemble ensemble(StoredModel model, ScoringSpec spec) {
    String sha =
        ModelManifest.read(model.folder())
            .flatMap(ModelManifest::weightsSha256)
            .orElseThrow(
                () ->
                    new ModelException(
                        ModelException.Reason.INVALID_FOLDER,
                        model.folder().resolve(ModelManifest.FILE) + ": the file is missing"));
    return ensemble(new PinnedVersion(model.name(), model.version(), sha), spec);
  }

  /** The ensemble that a folder describes, wherever its weights are. */
  static Ensemble ensemble(PinnedVersion id, ScoringSpec spec) {
    List<Member> members = new ArrayList<>();
    for (int k = 0; k < spec.heads(); k++) {
      members.add(
          new Member(
              new PinnedVersion(id.model() + "/" + k, id.version(), id.weightsSha256()),
              new MemberScale(
                  spec.normalizations().get(k).mean(), spec.normalizations().get(k).std()),
              spec.heldOutMembers().get(k).getOrDefault(ACCURACY, 0.0)));
    }
    return new Ensemble(id, members, spec.heldOut().getOrDefault("cautious_" + ACCURACY, 0.0));
  }

  @Override
  public List<Ensemble> list() {
    return found.values().stream().map(Found::ensemble).toList();
  }

  @Override
  public Opened open(Ensemble ensemble) {
    Found folder =
        Optional.ofNullable(found.get(ensemble.id()))
            .orElseThrow(
                () -> new MeshException(Fault.UNKNOWN_MODEL, ensemble.id() + ": not in a folder"));
    StoredModel heads = folder.folder();
    StoredModel trunk = trunk(folder.spec());
    try {
      return new Opened(
          HuggingFaceTokenizerAdapter.ofFolder(trunk.folder()),
          new CompletionMemberScorer(
              OnnxScorer.open(trunk.folder(), heads.folder(), cache, threads)),
          Optional.empty());
    } catch (ModelException e) {
      String message = trunk.withoutPath(heads.withoutPath(String.valueOf(e.getMessage())));
      throw new MeshException(faultOf(e.reason()), message.replace(cache.toString(), "onnx"), e);
    }
  }

  /** What a model that cannot be opened means to the caller. */
  static Fault faultOf(ModelException.Reason reason) {
    return switch (reason) {
      case CORRUPT_WEIGHTS -> Fault.CORRUPT_WEIGHTS;
      case INVALID_FOLDER -> Fault.UNKNOWN_MODEL;
      case OVERLOADED, NO_MEMORY -> Fault.OVERLOADED;
      case UNAVAILABLE -> Fault.DEPENDENCY_DOWN;
      case CLOSED, BROKEN, NO_TOKEN_LEFT, UNSUPPORTED -> Fault.DEPENDENCY_BROKEN;
    };
  }

  private StoredModel trunk(ScoringSpec spec) {
    for (Path root : roots) {
      Optional<StoredModel> trunk =
          new ModelStore(root).find(spec.trunk().model(), spec.trunk().version());
      if (trunk.isPresent()) {
        return trunk.get();
      }
    }
    throw new MeshException(
        Fault.UNKNOWN_MODEL,
        "the heads stand on %s %s, which is in none of the model folders"
            .formatted(spec.trunk().model(), spec.trunk().version()));
  }
}
