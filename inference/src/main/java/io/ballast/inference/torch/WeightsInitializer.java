package io.ballast.inference.torch;

import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Fresh weights: norms change nothing, biases are zero, matrices normal with standard deviation
 * 0.02; those that write into the residual stream, two a block, are scaled by 1/√(2·layers), so
 * that depth does not widen it.
 *
 * <p>Source: Radford et al. 2019 (GPT-2), §2.3.
 */
final class WeightsInitializer {
  private static final double STANDARD_DEVIATION = 0.02;

  private WeightsInitializer() {}

  static void initialize(TrainedWeights weights, RandomGenerator random) {
    double depth = 1 / Math.sqrt(2.0 * weights.layout().config().layers());
    for (Parameter parameter : weights.layout().parameters()) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        Tensor target = weights.flat().narrow(0, parameter.offset(), parameter.size());
        if (parameter.columns() == 0) {
          double neutral = 1 - weights.layout().config().normOffset();
          target.fill_(new Scalar(parameter.name().endsWith(".bias") ? 0.0 : neutral));
        } else {
          String name = parameter.name();
          boolean intoResidual =
              name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
          double deviation = STANDARD_DEVIATION * (intoResidual ? depth : 1);
          target.copy_(normal(Math.toIntExact(parameter.size()), deviation, random));
        }
      }
    }
    weights.changed();
  }

  private static Tensor normal(int count, double deviation, RandomGenerator random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return Tensors.of(values, count);
  }
}
