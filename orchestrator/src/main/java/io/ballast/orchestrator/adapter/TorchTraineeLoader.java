package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.LoraOptions;
import io.ballast.inference.torch.PassMemory;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens model folders for training on libtorch. */
public final class TorchTraineeLoader implements TraineeLoader {
  private static final Logger LOG = LoggerFactory.getLogger(TorchTraineeLoader.class);

  /**
   * Bytes that a session takes for each weight: the weight, its gradient and two moments in 32
   * bits; weight and gradient for products in 16; the reference and the engine in 32 and 16 each;
   * and a copy in 32 on its way from the one to the other. What is handed over to the policy-server
   * has no engine here: two copies in 32 bits stand in its place.
   */
  private static final long BYTES_A_WEIGHT = 4 * 4 + 2 * 2 + 2 * (4 + 2) + 4;

  /** Bytes of that for a number in training alone. */
  private static final long BYTES_A_TRAINED_NUMBER = 4 * 4 + 2 * 2;

  /** Bytes of the gradients of each lane but the first, for a number in training. */
  private static final long BYTES_A_LANE_NUMBER = 4 + 2;

  /** Bytes of that for a weight of the base that adapters are trained on: of the reference. */
  private static final long BYTES_A_SHARED_WEIGHT = 4 + 2;

  /** Bytes of that for each weight with adapters: of the engine, and of a copy on its way to it. */
  private static final long BYTES_A_MERGED_WEIGHT = 4 + 2 + 4;

  /** Bytes for each number of an average in 32 bits, and of what makes place for it. */
  private static final long BYTES_AN_AVERAGED_WEIGHT = 4 + 4;

  private final ModelFolders folders;
  private final CriticFolders critics;
  private final SharedBases bases;
  private final ServingOptions serving;
  private final int lanes;
  private final Memory memory;
  private final @Nullable HandedCopies copies;

  /**
   * What there is for weights in training. Each of those at a time has the same part of it: a pass
   * that would take more than the weights leave of their part, or a quarter of the part where they
   * leave less, is refused. So none takes what another was promised.
   *
   * @param bytes of all together, above 0
   * @param trainees at a time, at least 1
   */
  public record Memory(long bytes, int trainees) {
    /** Checks the ranges. */
    public Memory {
      if (bytes < 1 || trainees < 1) {
        throw new IllegalArgumentException(
            "memory: %,d bytes for %d trainees (expected: ≥ 1, ≥ 1)".formatted(bytes, trainees));
      }
    }

    /**
     * What a pass may take beside weights that take {@code weightBytes}, its share of a base
     * included.
     */
    long passBytes(long weightBytes) {
      long part = bytes / trainees;
      return Math.max(part / 4, part - weightBytes);
    }

    /** Whether so many bytes leave passes the quarter of their part that they get in any case. */
    boolean holds(long weightBytes) {
      long part = bytes / trainees;
      return weightBytes <= part - part / 4;
    }
  }

  /**
   * @param arithmetic in which weights are trained and sampled from
   * @param maxRows completions that one session's engine draws side by side, at least 1
   * @param maxQueuedRows completions that may wait for a row, at least as many as one call starts
   * @param lanes the most threads that one session learns with, at least 1
   * @param memory that all that is trained at a time has together
   */
  public TorchTraineeLoader(
      ModelFolders folders,
      Arithmetic arithmetic,
      int maxRows,
      int maxQueuedRows,
      int lanes,
      Memory memory) {
    this(
        folders,
        new SharedBases(arithmetic),
        new ServingOptions(
                arithmetic, maxRows, maxQueuedRows, ServingOptions.defaults().maxPrefillTokens())
            .withDecodeLanes(lanes),
        lanes,
        memory,
        null);
  }

  private TorchTraineeLoader(
      ModelFolders folders,
      SharedBases bases,
      ServingOptions serving,
      int lanes,
      Memory memory,
      @Nullable HandedCopies copies) {
    this.folders = folders;
    this.critics = new CriticFolders(folders);
    this.bases = bases;
    this.serving = serving;
    this.lanes = lanes;
    this.memory = memory;
    this.copies = copies;
  }

  /** Returns one that opens weights on the same bases, with memory of its own. */
  public TorchTraineeLoader with(Memory other) {
    return new TorchTraineeLoader(folders, bases, serving, lanes, other, copies);
  }

  /** Returns one whose trainees hand their weights over, where they leave the memory for it. */
  public TorchTraineeLoader handingTo(HandedCopies others) {
    return new TorchTraineeLoader(folders, bases, serving, lanes, memory, others);
  }

  @Override
  public long memoryBytes(PinnedVersion base, TraineeOptions options) {
    DecoderConfig config = config(base);
    long critic = critic(base, options).map(CriticFolders.Found::parameterCount).orElse(0L);
    long beside = critic * BYTES_A_TRAINED_NUMBER;
    long average = options.averageDecay().isPresent() ? BYTES_AN_AVERAGED_WEIGHT : 0;
    long more = average + (lanes - 1) * BYTES_A_LANE_NUMBER;
    if (options.adapters().isEmpty()) {
      return config.parameterCount() * (BYTES_A_WEIGHT + more) + beside;
    }
    LoraOptions adapters = TorchOptions.adapters(options.adapters().get());
    requireFit(adapters, config);
    return adapters.parameterCount(config) * (BYTES_A_TRAINED_NUMBER + more)
        + config.parameterCount() * BYTES_A_MERGED_WEIGHT
        + beside;
  }

  private Optional<CriticFolders.Found> critic(PinnedVersion base, TraineeOptions options) {
    return options
        .ownCritic()
        .map(
            settings ->
                critics.find(
                    settings, folders.stored(base.model(), base.version()).folder(), config(base)));
  }

  private static void requireFit(LoraOptions adapters, DecoderConfig config) {
    try {
      adapters.requireFit(config);
    } catch (IllegalArgumentException e) {
      String[] flaw = String.valueOf(e.getMessage()).split(": ", 2);
      throw Faults.malformed("adapters." + flaw[0], flaw[flaw.length - 1]);
    }
  }

  @Override
  public long sharedBytes(PinnedVersion base, TraineeOptions options) {
    return options.adapters().isEmpty() ? 0 : config(base).parameterCount() * BYTES_A_SHARED_WEIGHT;
  }

  @Override
  public void requirePass(PinnedVersion base, TraineeOptions options, String path, int tokens) {
    DecoderConfig config = config(base);
    long passBytes = memory.passBytes(weightBytes(base, options));
    int most = PassMemory.mostTokens(config, bases.arithmetic(), passBytes);
    int longest = Math.min(tokens, config.contextTokens());
    if (longest > most) {
      throw Faults.malformed(
          path,
          "%,d (expected: ≤ %,d: a pass over %,d tokens takes more memory than a run may have for it, %,.0f bytes, limit %,d)"
              .formatted(
                  tokens,
                  most,
                  longest,
                  PassMemory.bytes(config, bases.arithmetic(), longest),
                  passBytes));
    }
  }

  /** What weights in training take, their share of a base included. */
  private long weightBytes(PinnedVersion base, TraineeOptions options) {
    return memoryBytes(base, options) + sharedBytes(base, options);
  }

  private DecoderConfig config(PinnedVersion base) {
    StoredModel stored = folders.stored(base.model(), base.version());
    try {
      return DecoderConfig.read(stored.folder());
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }

  @Override
  public <T> T tokenizing(PinnedVersion base, Function<Tokenizer, T> work) {
    StoredModel stored = folders.stored(base.model(), base.version());
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(stored.folder())) {
      return work.apply(tokenizer);
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }

  @Override
  public Trainee load(PinnedVersion base, TraineeOptions options) {
    String found = folders.version(base.model(), base.version()).weightsSha256();
    if (!base.weightsSha256().isEmpty() && !found.equals(base.weightsSha256())) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "version '%s' of model '%s' has weights %s (expected: %s)"
              .formatted(base.version(), base.model(), found, base.weightsSha256()),
          Map.of("model", base.model(), "version", base.version()));
    }
    StoredModel stored = folders.stored(base.model(), base.version());
    try {
      long weightBytes = weightBytes(base, options);
      return TorchTrainee.open(
          stored,
          bases,
          serving,
          options,
          critic(base, options).map(CriticFolders.Found::folder),
          lanes,
          memory.passBytes(weightBytes),
          copies(base, weightBytes));
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }

  private @Nullable HandedCopies copies(PinnedVersion base, long weightBytes) {
    if (copies != null && !memory.holds(weightBytes)) {
      LOG.info(
          "{}: its weights go to the policy-server in folders, since training takes {} MiB of the"
              + " {} that one of {} has, and that leaves no room for copies",
          base,
          weightBytes >> 20,
          (memory.bytes() / memory.trainees()) >> 20,
          memory.trainees());
      return null;
    }
    return copies;
  }
}
