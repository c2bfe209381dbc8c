package io.ballast.inference.triton.export;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.TreeGraph;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.VocabularyFit;
import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.XgboostTrees;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelTransactionPolicy;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes models into a Triton model repository. An entry, {@code <name>/}, holds all versions that
 * are to be served of one model; it appears whole or not at all and is never changed.
 */
public final class TritonExport {
  private static final String GRAPH = "model.onnx";
  private static final String TOKENIZER = "tokenizer.json";

  /** What folders from elsewhere may have besides their weights. */
  private static final Pattern IGNORED =
      Pattern.compile(".*rotary_emb\\.inv_freq|lm_head\\.weight");

  private final Path repository;
  private final ExportOptions options;

  /**
   * Binds a repository.
   *
   * @param repository created if absent, when something is written
   */
  public TritonExport(Path repository, ExportOptions options) {
    this.repository = repository;
    this.options = options;
  }

  /**
   * A model's folder and the number that Triton shall know it by.
   *
   * @param number ≥ 1: versions of a Triton repository are numbers
   */
  public record Version(long number, Path folder) {
    public Version {
      if (number < 1) {
        throw new IllegalArgumentException("version: " + number + " (expected: ≥ 1)");
      }
    }
  }

  /**
   * Finds what an earlier call wrote of these versions, whatever its options were, and compares
   * every file with its checksum.
   *
   * @param name of the model in the repository
   * @param versions at least one
   * @return the entry's folder; empty if the repository has nothing of this name
   * @throws FileAlreadyExistsException if what it has is not of these versions
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS if a file of it is missing or another
   */
  public Optional<Path> written(String name, List<Version> versions)
      throws FileAlreadyExistsException {
    requireSome(versions);
    return RepositoryEntry.find(repository, name, sources(versions));
  }

  /**
   * Writes heads on a decoder: rewards or costs.
   *
   * @param name of the model in the repository
   * @param versions at least one, of as many heads, on decoders of one context and vocabulary
   * @param trunks finds the folder of a decoder
   * @return the entry's folder
   * @throws FileAlreadyExistsException if the repository has a model of this name
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS as when the model is opened; UNSUPPORTED
   *     if versions differ in what they take or give
   */
  public Path scoring(String name, List<Version> versions, Function<TrunkReference, Path> trunks)
      throws IOException {
    requireSome(versions);
    try (RepositoryEntry entry = RepositoryEntry.begin(repository, name)) {
      Map<String, String> parameters = new TreeMap<>();
      PlainScoring first = null;
      for (Version version : versions) {
        TrunkReference trunk = ScoringModelFolder.readSpec(version.folder()).trunk();
        Path file = entry.version(version.number()).resolve(GRAPH);
        Path decoder = trunks.apply(trunk);
        PlainScoring written = PlainScoring.write(decoder, version.folder(), file);
        first = sameTensors(name, version, first, written);
        parameters.put(
            ExportedScoring.configName(Long.toString(version.number())),
            Files.readString(version.folder().resolve(ScoringModelFolder.CONFIG)));
        ExportedScoring.tell(
            parameters,
            Long.toString(version.number()),
            modelOf(version.folder()),
            version.folder(),
            decoder);
        runInPython(entry, version);
      }
      Objects.requireNonNull(first, "there is at least one version");
      parameters.put(ExportedScoring.CONTEXT_TOKENS, Integer.toString(first.contextTokens()));
      parameters.put(ExportedScoring.VOCABULARY_SIZE, Integer.toString(first.vocabularySize()));
      ModelConfig.Builder config =
          ModelConfigs.batched(name, numbers(versions), options, parameters)
              .addInput(
                  ModelConfigs.input(PlainScoring.INPUT_IDS, DataType.TYPE_INT64, -1)
                      // rows of other lengths share an execution: our model.py pads them
                      .setAllowRaggedBatch(options.backend() == Backend.PYTHON))
              .addInput(ModelConfigs.input(PlainScoring.PROMPT_TOKENS, DataType.TYPE_INT64, 1))
              .addInput(ModelConfigs.input(PlainScoring.COMPLETION_TOKENS, DataType.TYPE_INT64, 1))
              .addOutput(
                  ModelConfigs.output(
                      PlainScoring.SCORES, DataType.TYPE_FP32, first.spec().heads()));

      int objectives = first.spec().objectives().size();
      if (objectives > 0) {
        config.addOutput(
            ModelConfigs.output(
                PlainScoring.OBJECTIVES, DataType.TYPE_FP32, first.spec().heads(), objectives));
      }
      return entry.finish(config.build(), sources(versions));
    }
  }

  /**
   * Writes a decoder for the python back end, under the convention of Triton's vLLM back end.
   *
   * @see #decoder(String, List, DecoderConvention)
   */
  public Path decoder(String name, List<Version> versions) throws IOException {
    return decoder(name, versions, DecoderConvention.VLLM);
  }

  /**
   * Writes a decoder for the python back end: small ones, for it computes in NumPy, on GPUs in
   * CuPy, in 32 bits.
   *
   * @param name of the model in the repository
   * @param versions at least one
   * @param convention how it is asked and answers
   * @return the entry's folder
   * @throws FileAlreadyExistsException if the repository has a model of this name
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS as when the model is opened; UNSUPPORTED
   *     if the options or a version need what the python back end lacks
   */
  public Path decoder(String name, List<Version> versions, DecoderConvention convention)
      throws IOException {
    if (options.backend() != Backend.PYTHON) {
      throw new ModelException(
          Reason.UNSUPPORTED, name + ": a decoder is exported for the python back end alone");
    }
    requireSome(versions);
    try (RepositoryEntry entry = RepositoryEntry.begin(repository, name)) {
      for (Version version : versions) {
        writeDecoder(entry, version);
      }
      ModelConfig.Builder config =
          ModelConfigs.common(
                  name,
                  numbers(versions),
                  options,
                  Map.of(
                      "max_rows",
                      Integer.toString(options.batching().maxRows()),
                      "convention",
                      convention.code()))
              .setBackend(Backend.PYTHON.code())
              .setDefaultModelFilename("model.py")
              .setModelTransactionPolicy(ModelTransactionPolicy.newBuilder().setDecoupled(true))
              .setDynamicBatching(
                  ModelConfigs.batching(
                      new Batching(1, List.of(), Duration.ZERO), options.queue()));
      convention.declare(config);
      return entry.finish(config.build(), sources(versions));
    }
  }

  /**
   * Writes gradient-boosted trees, which answer with their log-odds.
   *
   * @param name of the model in the repository
   * @param versions at least one, of as many features; folders with {@link XgboostTrees#FILE}
   * @param says the file in each that says what the trees mean, kept as the parameter {@code
   *     trees_config_<version>}
   * @return the entry's folder
   * @throws FileAlreadyExistsException if the repository has a model of this name
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS as when the model is opened; UNSUPPORTED
   *     if versions differ in their features
   */
  public Path trees(String name, List<Version> versions, String says) throws IOException {
    requireSome(versions);
    try (RepositoryEntry entry = RepositoryEntry.begin(repository, name)) {
      Map<String, String> parameters = new TreeMap<>();
      int features = 0;
      for (Version version : versions) {
        Path from = version.folder();
        ModelManifest.read(from).ifPresent(manifest -> manifest.verify(from));
        TreeEnsemble trees = XgboostTrees.read(from);
        if (features != 0 && features != trees.features()) {
          throw new ModelException(
              Reason.UNSUPPORTED,
              "%s version %d: %d features (expected: as the first version, %d)"
                  .formatted(name, version.number(), trees.features(), features));
        }
        features = trees.features();
        TreeGraph.write(trees, entry.version(version.number()).resolve(GRAPH));
        parameters.put("trees_config_" + version.number(), Files.readString(from.resolve(says)));
        runInPython(entry, version);
      }
      return entry.finish(
          ModelConfigs.batched(name, numbers(versions), options, parameters)
              .addInput(ModelConfigs.input(TreeGraph.FEATURES, DataType.TYPE_FP32, features))
              .addOutput(ModelConfigs.output(TreeGraph.MARGIN, DataType.TYPE_FP32, 1))
              .build(),
          sources(versions));
    }
  }

  private static void requireSome(List<Version> versions) {
    if (versions.isEmpty()) {
      throw new IllegalArgumentException("versions: none (expected: at least one)");
    }
    Set<Long> numbers = new HashSet<>();
    for (int i = 0; i < versions.size(); i++) {
      if (!numbers.add(versions.get(i).number())) {
        throw new IllegalArgumentException(
            "versions[%d]: %d (expected: a number that no other has)"
                .formatted(i, versions.get(i).number()));
      }
    }
  }

  /** Where each version came from, by the name of its note. */
  private static Map<String, String> sources(List<Version> versions) {
    Map<String, String> sources = new TreeMap<>();
    for (Version version : versions) {
      sources.put(RepositoryEntry.SOURCE + version.number(), modelOf(version.folder()));
    }
    return sources;
  }

  /** {@code name/version}: where a model came from, without the paths of this machine. */
  private static String modelOf(Path folder) {
    Path absolute = folder.toAbsolutePath().normalize();
    int names = absolute.getNameCount();
    return absolute.subpath(Math.max(0, names - 2), names).toString().replace('\\', '/');
  }

  private void writeDecoder(RepositoryEntry entry, Version version) throws IOException {
    Path from = version.folder();
    ModelManifest.read(from).ifPresent(manifest -> manifest.verify(from));
    DecoderConfig config = DecoderConfig.read(from);
    requireWeights(WeightFiles.open(from), config);
    Path to = entry.version(version.number());
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(from)) {
      VocabularyFit.require(from.resolve(TOKENIZER).toString(), tokenizer, config);
      Files.writeString(to.resolve(DecoderShape.FILE), DecoderShape.of(config, tokenizer));
    }
    Files.copy(from.resolve(TOKENIZER), to.resolve(TOKENIZER));
    for (String file : weightFiles(from)) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
    for (String file : List.of("model.py", "rows.py", "network.py", "gpu.py", "sampling.py")) {
      entry.python(version.number(), "decoder/" + file, file);
    }
  }

  /** Refuses weights that the embedded engine would refuse: there they would fail each request. */
  private static void requireWeights(WeightFiles files, DecoderConfig config) {
    files.requireNames(config.weightShapes().keySet(), IGNORED);
    config
        .weightShapes()
        .forEach((name, shape) -> files.readFinite(name, shape, (values, count, at) -> {}));
  }

  private static Set<String> weightFiles(Path folder) {
    return Files.isRegularFile(folder.resolve(ModelManifest.WEIGHTS))
        ? Set.of(ModelManifest.WEIGHTS)
        : WeightFiles.shards(folder);
  }

  private static PlainScoring sameTensors(
      String name, Version version, @Nullable PlainScoring first, PlainScoring next) {
    if (first != null
        && (first.spec().heads() != next.spec().heads()
            || first.spec().objectives().size() != next.spec().objectives().size()
            || first.contextTokens() != next.contextTokens()
            || first.vocabularySize() != next.vocabularySize())) {
      throw new ModelException(
          Reason.UNSUPPORTED,
          "%s version %d: %s (expected: as the first version, %s)"
              .formatted(name, version.number(), tensors(next), tensors(first)));
    }
    return first == null ? next : first;
  }

  private static String tensors(PlainScoring model) {
    return "%d members, %d objectives, on a context of %,d and a vocabulary of %,d"
        .formatted(
            model.spec().heads(),
            model.spec().objectives().size(),
            model.contextTokens(),
            model.vocabularySize());
  }

  private void runInPython(RepositoryEntry entry, Version version) throws IOException {
    if (options.backend() == Backend.PYTHON) {
      entry.python(version.number(), "graph.py", "model.py");
    }
  }

  private static List<Long> numbers(List<Version> versions) {
    return versions.stream().map(Version::number).toList();
  }
}
