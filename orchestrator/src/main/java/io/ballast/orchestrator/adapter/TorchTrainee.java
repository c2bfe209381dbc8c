package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TokenGradients;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.inference.torch.WeightsSnapshot;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.ModelShape;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A decoder in training on libtorch, its frozen reference, and an engine that samples from the
 * weights in training. Reference and engine are made when they are first asked for.
 */
final class TorchTrainee implements Trainee {
  private static final String TOKENIZER = "tokenizer.json";

  private final StoredModel stored;
  private final Path base;
  private final HuggingFaceTokenizerAdapter tokenizer;
  private final Arithmetic arithmetic;
  private final ServingOptions serving;
  private final TrainableDecoder trained;
  private @Nullable FrozenDecoder reference;
  private @Nullable TorchDecoder engine;
  private boolean engineIsBehind;

  /** Loads {@code stored}, a Hugging Face folder with a tokenizer. */
  TorchTrainee(
      StoredModel stored,
      Arithmetic arithmetic,
      ServingOptions serving,
      OptimizerSettings settings) {
    this.stored = stored;
    this.base = stored.folder();
    this.arithmetic = arithmetic;
    this.serving = serving;
    this.trained =
        TrainableDecoder.load(
            base,
            arithmetic,
            new OptimizerOptions(
                settings.beta1(),
                settings.beta2(),
                settings.epsilon(),
                settings.weightDecay(),
                settings.maxGradientNorm()));
    try {
      this.tokenizer = HuggingFaceTokenizerAdapter.ofFolder(base);
    } catch (RuntimeException e) {
      trained.close();
      throw e;
    }
  }

  @Override
  public ModelShape shape() {
    DecoderConfig config = trained.config();
    return new ModelShape(config.contextTokens(), config.vocabularySize());
  }

  @Override
  public String arithmetic() {
    return arithmetic.name();
  }

  @Override
  public long updatesCount() {
    return trained.steps();
  }

  @Override
  public List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights) {
    List<CompletionGroup> tokens = tokensOf(groups);
    return switch (weights) {
      case CURRENT -> ported(trained.scores(tokens));
      case REFERENCE -> ported(reference().scores(tokens));
    };
  }

  private FrozenDecoder reference() {
    FrozenDecoder loaded = reference;
    if (loaded == null) {
      try {
        loaded = FrozenDecoder.load(base, arithmetic);
      } catch (ModelException e) {
        throw Faults.of(e, stored::withoutPath);
      }
      reference = loaded;
    }
    return loaded;
  }

  @Override
  public List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss) {
    return ported(
        trained.forwardBackward(
            tokensOf(groups),
            (index, scores) -> {
              GroupGradients gradients = loss.gradients(index, ported(scores));
              return new TokenGradients(gradients.byLogProbs(), gradients.byEntropies());
            }));
  }

  @Override
  public double step(double learningRate) {
    double norm = trained.optimizerStep(learningRate);
    engineIsBehind = true;
    return norm;
  }

  @Override
  public Decoder sampler() {
    TorchDecoder current = engine;
    if (current != null && !engineIsBehind) {
      return current;
    }
    try (WeightsSnapshot weights = trained.snapshot()) {
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
  public void publish(Path folder) throws IOException {
    trained.save(folder, WeightType.FLOAT32, base.resolve(TOKENIZER), Map.of());
  }

  @Override
  public void checkpoint(Path file) throws IOException {
    trained.saveCheckpoint(file, Map.of());
  }

  @Override
  public void restore(Path file) {
    try {
      var unused = trained.restoreCheckpoint(file);
    } catch (ModelException e) {
      throw Faults.of(
          e,
          message ->
              message
                  .replace(file.toAbsolutePath().toString(), String.valueOf(file.getFileName()))
                  .replace(file.toString(), String.valueOf(file.getFileName())));
    }
    engineIsBehind = true;
  }

  @Override
  public void close() {
    TorchDecoder sampling = engine;
    if (sampling != null) {
      sampling.close();
    }
    FrozenDecoder frozen = reference;
    if (frozen != null) {
      frozen.close();
    }
    trained.close();
    tokenizer.close();
  }

  private static List<CompletionGroup> tokensOf(List<TrainingGroup> groups) {
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
    return new GroupScores(scores.logProbs(), scores.entropies());
  }
}
