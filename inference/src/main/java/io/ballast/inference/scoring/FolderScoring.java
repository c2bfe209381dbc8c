package io.ballast.inference.scoring;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scoring models of one kind in model folders, run by ONNX Runtime: heads whose {@code config.json}
 * names their trunk. A folder that cannot be read is reported once and left out; the others serve.
 *
 * @param <M> the model
 * @param <R> what comes of a completion
 */
public final class FolderScoring<M extends ScoringModel, R> implements ScoringSource<M, R> {
  private static final Logger LOG = LoggerFactory.getLogger(FolderScoring.class);
  private static final String CONFIG = "config.json";
  private static final String FORMAT = "\"ballast-scoring-heads\"";

  private final ScoringUse<M, R> use;
  private final List<Path> roots;
  private final Path cache;
  private final int threads;
  private final Set<String> reported = ConcurrentHashMap.newKeySet();
  private volatile Map<PinnedVersion, Found<M>> found = Map.of();

  private record Found<M>(StoredModel folder, ScoringSpec spec, M model) {}

  /**
   * Looks through the folders; the first of equal names and versions wins.
   *
   * @param roots folders of {@code <name>/<version>/}
   * @param cache where ONNX files are written at the first start
   * @param threads of one batch
   */
  public FolderScoring(ScoringUse<M, R> use, List<Path> roots, Path cache, int threads) {
    this.use = use;
    this.roots = List.copyOf(roots);
    this.cache = cache;
    this.threads = threads;
    refresh();
  }

  /** What models there are here. */
  public ScoringUse<M, R> use() {
    return use;
  }

  /** The folders that are looked through. */
  public List<Path> roots() {
    return roots;
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
    Map<PinnedVersion, Found<M>> models = new LinkedHashMap<>();
    folders
        .values()
        .forEach(folder -> consider(folder).ifPresent(each -> models.put(each.model().id(), each)));
    found = models;
  }

  private Optional<Found<M>> consider(StoredModel folder) {
    try {
      Path config = folder.folder().resolve(CONFIG);
      if (!Files.isRegularFile(config) || !Files.readString(config).contains(FORMAT)) {
        return Optional.empty(); // another kind of model
      }
      ScoringSpec spec = ScoringModelFolder.readSpec(folder.folder());
      return spec.kind() == use.kind()
          ? Optional.of(new Found<>(folder, spec, described(folder, spec)))
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

  private M described(StoredModel folder, ScoringSpec spec) {
    Optional<ModelManifest> manifest = ModelManifest.read(folder.folder());
    String sha =
        manifest
            .flatMap(ModelManifest::weightsSha256)
            .orElseThrow(
                () ->
                    new ModelException(
                        ModelException.Reason.INVALID_FOLDER,
                        folder.folder().resolve(ModelManifest.FILE) + ": the file is missing"));
    return use.described()
        .describe(
            new PinnedVersion(folder.name(), folder.version(), sha),
            spec,
            manifest.map(ModelManifest::contentSha256).orElseThrow(),
            manifest.map(ModelManifest::notes).orElseThrow());
  }

  @Override
  public List<M> list() {
    return found.values().stream().map(Found::model).toList();
  }

  @Override
  public Opened<R> open(M model) {
    Found<M> folder =
        Optional.ofNullable(found.get(model.id()))
            .orElseThrow(
                () -> new MeshException(Fault.UNKNOWN_MODEL, model.id() + ": not in a folder"));
    StoredModel heads = folder.folder();
    StoredModel trunk = trunk(folder.spec());
    try {
      HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk.folder());
      OnnxScorer scorer = scorer(trunk, heads, tokenizer);
      CompletionEngine<R> engine = new CompletionEngine<>(scorer, use);
      return new Opened<>(tokenizer, scorer.contextTokens(), lane -> engine, Optional.empty());
    } catch (ModelException e) {
      String message = trunk.withoutPath(heads.withoutPath(String.valueOf(e.getMessage())));
      throw new MeshException(
          ScoringFaults.of(e.reason()), message.replace(cache.toString(), "onnx"), e);
    }
  }

  @Override
  public Optional<KeptScores> golden(M model) {
    return Optional.ofNullable(found.get(model.id())).flatMap(each -> golden(each.folder()));
  }

  private static Optional<KeptScores> golden(StoredModel folder) {
    try {
      return GoldenScores.read(folder.folder()).map(FolderScoring::kept);
    } catch (ModelException e) {
      throw new MeshException(
          ScoringFaults.of(e.reason()), folder.withoutPath(String.valueOf(e.getMessage())), e);
    }
  }

  private static KeptScores kept(GoldenScores golden) {
    return new KeptScores(
        golden.tolerance(),
        golden.items().stream()
            .map(
                item ->
                    new KeptScores.Item(
                        new Content.Tokens(item.prompt()),
                        new Content.Tokens(item.completion()),
                        item.scores().stream().map(Float::doubleValue).toList()))
            .toList());
  }

  /** Opens the heads; the tokenizer is freed if that fails. */
  private OnnxScorer scorer(
      StoredModel trunk, StoredModel heads, HuggingFaceTokenizerAdapter tokenizer) {
    try {
      return OnnxScorer.open(trunk.folder(), heads.folder(), cache, threads);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private StoredModel trunk(ScoringSpec spec) {
    return ModelStore.find(roots, spec.trunk().model(), spec.trunk().version())
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_MODEL,
                    "the heads stand on %s %s, which is in none of the model folders"
                        .formatted(spec.trunk().model(), spec.trunk().version())));
  }
}
