package io.ballast.orchestrator.adapter;

import io.ballast.inference.torch.LoraOptions;
import io.ballast.inference.torch.LoraProjection;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TrainingOptions;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import java.util.stream.Collectors;

/** How weights are trained, in the words of libtorch's decoder. */
final class TorchOptions {
  private TorchOptions() {}

  static TrainingOptions training(TraineeOptions options) {
    OptimizerSettings settings = options.optimizer();
    return new TrainingOptions(
        new OptimizerOptions(
            settings.beta1(),
            settings.beta2(),
            settings.epsilon(),
            settings.weightDecay(),
            settings.maxGradientNorm()),
        options.critic(),
        options.averageDecay(),
        1);
  }

  static LoraOptions adapters(AdapterSettings adapters) {
    return new LoraOptions(
        adapters.rank(),
        adapters.alpha(),
        adapters.projections().stream().map(TorchOptions::projection).collect(Collectors.toSet()));
  }

  private static LoraProjection projection(AdapterSettings.Projection projection) {
    return switch (projection) {
      case Q_PROJ -> LoraProjection.Q_PROJ;
      case K_PROJ -> LoraProjection.K_PROJ;
      case V_PROJ -> LoraProjection.V_PROJ;
      case O_PROJ -> LoraProjection.O_PROJ;
      case GATE_PROJ -> LoraProjection.GATE_PROJ;
      case UP_PROJ -> LoraProjection.UP_PROJ;
      case DOWN_PROJ -> LoraProjection.DOWN_PROJ;
    };
  }
}
