package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import java.util.Map;

/** Opens model folders for training on libtorch. */
public final class TorchTraineeLoader implements TraineeLoader {
  /**
   * Bytes that a session takes for each weight: the weight, its gradient and two moments in 32
   * bits; weight and gradient for products in 16; the reference and the engine in 32 and 16 each;
   * and a copy in 32 on its way from the one to the other.
   */
  private static final long BYTES_A_WEIGHT = 4 * 4 + 2 * 2 + 2 * (4 + 2) + 4;

  private final ModelFolders folders;
  private final Arithmetic arithmetic;
  private final ServingOptions serving;

  /**
   * @param arithmetic in which weights are trained and sampled from
   * @param maxRows completions that one session's engine draws side by side, at least 1
   * @param maxQueuedRows completions that may wait for a row, at least as many as one call starts
   */
  public TorchTraineeLoader(
      ModelFolders folders, Arithmetic arithmetic, int maxRows, int maxQueuedRows) {
    this.folders = folders;
    this.arithmetic = arithmetic;
    this.serving =
        new ServingOptions(
            arithmetic, maxRows, maxQueuedRows, ServingOptions.defaults().maxPrefillTokens());
  }

  @Override
  public long memoryBytes(PinnedVersion base) {
    StoredModel stored = folders.stored(base.model(), base.version());
    try {
      return DecoderConfig.read(stored.folder()).parameterCount() * BYTES_A_WEIGHT;
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }

  @Override
  public Trainee load(PinnedVersion base, OptimizerSettings optimizer) {
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
      return new TorchTrainee(stored, arithmetic, serving, optimizer);
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }
}
