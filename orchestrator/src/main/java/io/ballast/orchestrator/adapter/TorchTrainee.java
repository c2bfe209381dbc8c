package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderCopy;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.PassMemory;
import io.ballast.inference.torch.PolicyAndCritic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TokenGradientFunction;
import io.ballast.inference.torch.TokenGradients;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.inference.torch.TrainingOptions;
import io.ballast.inference.torch.WeightsSnapshot;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.ModelShape;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A decoder in training on libtorch, its frozen reference, and an engine that samples from the
 * weights in training. Reference and engine are made when they are first asked for.
 */
final class TorchTrainee implements Trainee {
  private static final String TOKENIZER = "tokenizer.json";

  /** As many weights are there for the policy-server at a time, while they are copied too. */
  private static final int HANDED_KEPT = 2;

  private final StoredModel stored;
  private final Path base;
  private final HuggingFaceTokenizerAdapter tokenizer;
  private final SharedBases bases;
  private final ServingOptions serving;
  private final TrainableDecoder trained;
  private final PolicyAndCritic learning;
  private final int lanes;
  private final long passBytes;
  private final int mostTokens;
  private final @Nullable HandedCopies copies;
  private final Deque<HandedCopies.Hold> handed = new ArrayDeque<>();
  private SharedBases.@Nullable Lease reference;
  private @Nullable TorchDecoder engine;
  private boolean engineIsBehind;

  private TorchTrainee(
      StoredModel stored,
      HuggingFaceTokenizerAdapter tokenizer,
      SharedBases bases,
      SharedBases.@Nullable Lease reference,
      TrainableDecoder trained,
      PolicyAndCritic learning,
      ServingOptions serving,
      int lanes,
      long passBytes,
      @Nullable HandedCopies copies) {
    this.stored = stored;
    this.base = stored.folder();
    this.tokenizer = tokenizer;
    this.bases = bases;
    this.reference = reference;
    this.trained = trained;
    this.learning = learning;
    this.serving = serving;
    this.lanes = lanes;
    this.passBytes = passBytes;
    this.copies = copies;
    this.mostTokens = PassMemory.mostTokens(trained.config(), bases.arithmetic(), passBytes);
  }

  /**
   * Loads {@code stored}, a Hugging Face folder with a tokenizer. Where that fails nothing stays.
   *
   * @param bases has the frozen reference, on which adapters are trained
   * @param critic what a critic with a trunk of its own begins as
   * @param lanes the most threads that learn
   * @param passBytes what a pass over a group, prompt and completions together, may take
   * @param copies where weights are handed over; null: nowhere
   * @throws IllegalArgumentException if adapters do not fit the model; named
   */
  static TorchTrainee open(
      StoredModel stored,
      SharedBases bases,
      ServingOptions serving,
      TraineeOptions options,
      Optional<Path> critic,
      int lanes,
      long passBytes,
      @Nullable HandedCopies copies) {
    Path folder = stored.folder();
    TrainingOptions training = TorchOptions.training(options).withLanes(lanes);
    HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(folder);
    SharedBases.Lease reference = null;
    try {
      TrainableDecoder trained;
      if (options.adapters().isPresent()) {
        AdapterSettings adapters = options.adapters().get();
        reference = bases.lease(folder);
        trained =
            TrainableDecoder.adapting(
                reference.decoder(),
                TorchOptions.adapters(adapters),
                training,
                new SplittableRandom(adapters.seed()));
      } else {
        trained = TrainableDecoder.load(folder, bases.arithmetic(), training);
      }
      PolicyAndCritic learning =
          CriticFolders.beside(trained, critic, options.ownCritic(), training, bases.arithmetic());
      return new TorchTrainee(
          stored, tokenizer, bases, reference, trained, learning, serving, lanes, passBytes,
          copies);
    } catch (RuntimeException | Error e) { // an Error too: native memory may be what ended
      if (reference != null) {
        reference.close();
      }
      tokenizer.close();
      throw e;
    }
  }

  @Override
  public ModelShape shape() {
    DecoderConfig config = trained.config();
    return new ModelShape(config.contextTokens(), config.vocabularySize());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public String arithmetic() {
    return bases.arithmetic().name();
  }

  @Override
  public long updatesCount() {
    return trained.steps();
  }

  @Override
  public List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights) {
    List<CompletionGroup> tokens = tokensOf(groups);
    return switch (weights) {
      case CURRENT -> ported(learning.scores(tokens));
      case REFERENCE -> ported(reference().scores(tokens, lanes));
      case AVERAGE -> {
        requireAverage();
        yield ported(trained.averageScores(tokens));
      }
    };
  }

  private void requireAverage() {
    if (!trained.hasAverage()) {
      throw Faults.precondition(
          "weights: AVERAGE (expected: others, no average is kept of these weights)");
    }
  }

  private FrozenDecoder reference() {
    SharedBases.Lease leased = reference;
    if (leased == null) {
      leased = told(() -> bases.lease(base));
      reference = leased;
    }
    return leased.decoder();
  }

  /** What reads the base's files again: its failures name model and version, not where they lie. */
  private <T> T told(Supplier<T> work) {
    try {
      return work.get();
    } catch (ModelException e) {
      throw withoutPath(e);
    }
  }

  private ModelException withoutPath(ModelException e) {
    if (e instanceof NotFiniteException) {
      return e; // it names a number, and no file
    }
    return new ModelException(e.reason(), stored.withoutPath(String.valueOf(e.getMessage())), e);
  }

  private void closeReference() {
    SharedBases.Lease leased = reference;
    if (leased != null) {
      leased.close();
    }
  }

  @Override
  public List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss) {
    List<CompletionGroup> tokens = tokensOf(groups);
    TokenGradientFunction asked =
        (index, scores) -> {
          GroupGradients gradients = loss.gradients(index, ported(scores));
          return new TokenGradients(
              gradients.byLogProbs(), gradients.byEntropies(), gradients.byValues());
        };
    return ported(
        loss.readsValues()
            ? learning.forwardBackward(tokens, asked)
            : learning.forwardBackwardOfPolicy(tokens, asked));
  }

  @Override
  public double step(double learningRate) {
    double norm = learning.step(learningRate);
    engineIsBehind = true;
    return norm;
  }

  @Override
  public double stepCritic(double learningRate) {
    return learning.criticStep(learningRate); // no engine samples from a critic
  }

  @Override
  public Decoder sampler() {
    TorchDecoder current = engine;
    if (current != null && !engineIsBehind) {
      return current;
    }
    try (WeightsSnapshot weights = told(trained::snapshot)) {
      if (current == null) {
        current = TorchDecoder.of(weights, tokenizer, serving);
        engine = current;
      } else {
        current.replaceWeights(weights);
      }
    }
    engineIsBehind = false;
    return current;
  }

  @Override
  public void publish(Path folder, WhichWeights weights) throws IOException {
    Path tokenizerFile = base.resolve(TOKENIZER);
    try {
      switch (weights) {
        case CURRENT -> trained.save(folder, WeightType.FLOAT32, tokenizerFile, Map.of());
        case REFERENCE ->
            throw Faults.malformed("weights", "REFERENCE (expected: CURRENT or AVERAGE)");
        case AVERAGE -> {
          requireAverage();
          trained.saveAverage(folder, WeightType.FLOAT32, tokenizerFile, Map.of());
        }
      }
    } catch (ModelException e) {
      throw withoutPath(e);
    }
  }

  @Override
  public Optional<PinnedVersion> handOver(String model, String version) {
    HandedCopies to = copies;
    if (to == null) {
      return Optional.empty();
    }
    while (handed.size() >= HANDED_KEPT) {
      handed.removeFirst().close();
    }
    HandedCopies.Hold hold = to.hand(model, version, told(this::copy));
    handed.addLast(hold);
    return Optional.of(new PinnedVersion(model, version, hold.copy().weightsSha256()));
  }

  private DecoderCopy copy() {
    try {
      return trained.copy(base.resolve(TOKENIZER));
    } catch (IOException e) {
      throw new ModelException(
          ModelException.Reason.INVALID_FOLDER, base.resolve(TOKENIZER) + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void checkpoint(Path file) throws IOException {
    learning.saveCheckpoint(file, Map.of());
  }

  @Override
  public void restore(Path file) {
    engineIsBehind = true; // before: half a checkpoint has changed the weights too
    try {
      var unused = learning.restoreCheckpoint(file);
    } catch (ModelException e) {
      ModelException told = new ModelException(e.reason(), withoutFolder(e, file), e);
      if (e.reason() == ModelException.Reason.BROKEN) {
        throw told; // whoever runs it logs it with its cause
      }
      throw Faults.of(told);
    }
  }

  private static String withoutFolder(ModelException e, Path file) {
    String name = String.valueOf(file.getFileName());
    return String.valueOf(e.getMessage())
        .replace(file.toAbsolutePath().toString(), name)
        .replace(file.toString(), name);
  }

  @Override
  public void close() {
    TorchDecoder sampling = engine;
    if (sampling != null) {
      sampling.close();
    }
    handed.forEach(HandedCopies.Hold::close);
    learning.close();
    closeReference();
    tokenizer.close();
  }

  /**
   * The groups as the engine takes them.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if one is so long that a pass over
   *     it would take more memory than it may have
   */
  private List<CompletionGroup> tokensOf(List<TrainingGroup> groups) {
    for (int i = 0; i < groups.size(); i++) {
      TrainingGroup group = groups.get(i);
      int tokens = group.prompt().size();
      for (TrainingCompletion completion : group.completions()) {
        tokens += completion.size();
      }
      if (tokens > mostTokens) {
        throw Faults.malformed(
            "groups[" + i + "]",
            "%,d tokens, limit %,d: a pass over them takes more memory than this may have (%,.0f bytes, limit %,d)"
                .formatted(
                    tokens,
                    mostTokens,
                    PassMemory.bytes(trained.config(), bases.arithmetic(), tokens),
                    passBytes));
      }
    }
    return groups.stream()
        .map(
            group -> {
              List<TokenIds> completions =
                  group.completions().stream().map(TrainingCompletion::tokens).toList();
              return new CompletionGroup(group.prompt(), completions);
            })
        .toList();
  }

  private static List<GroupScores> ported(List<io.ballast.inference.torch.GroupScores> scores) {
    return scores.stream().map(TorchTrainee::ported).toList();
  }

  private static GroupScores ported(io.ballast.inference.torch.GroupScores scores) {
    return new GroupScores(scores.logProbs(), scores.entropies(), scores.values());
  }
}
