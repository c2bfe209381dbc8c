package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A copy of a decoder's weights, free to be handed to another thread. Closed by whoever took it. A
 * critic on them is no part of it.
 */
public final class WeightsSnapshot implements AutoCloseable {
  private final ParameterLayout layout;
  private final Tensor flat;

  private WeightsSnapshot(ParameterLayout layout, Tensor flat) {
    this.layout = layout;
    this.flat = flat;
  }

  static WeightsSnapshot of(TrainedWeights weights) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor copy = weights.flat().detach().narrow(0, 0, weights.layout().decoderSize()).clone();
      copy.retainReference();
      return new WeightsSnapshot(weights.layout(), copy);
    }
  }

  /** Reads weights under their names, as a folder would hold them. */
  static WeightsSnapshot of(ParameterLayout layout, ScalarType type, List<Content> contents) {
    Map<String, Content> byName = new HashMap<>();
    contents.forEach(content -> byName.put(content.name(), content));
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor flat = Tensors.zeros(type, layout.decoderSize());
      for (Parameter parameter : layout.parameters()) {
        Objects.requireNonNull(byName.get(parameter.name()))
            .source()
            .read(
                (values, count, at) ->
                    TensorPieces.put(flat, parameter.offset() + at, values, count));
      }
      flat.retainReference();
      return new WeightsSnapshot(layout, flat);
    }
  }

  /** The shape of the model that the weights are of. */
  public DecoderConfig config() {
    return layout.config();
  }

  /** The weights under their names, as a folder holds them. */
  List<Content> contents(WeightType type) {
    return DecoderFolder.contents(layout, flat, type);
  }

  /** Copies the weights to {@code target}. */
  void copyTo(TrainedWeights target) {
    if (!target.layout().config().equals(config())) {
      throw new IllegalArgumentException(
          "weights: of " + config() + " (expected: " + target.layout().config() + ")");
    }
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      target.write(0, flat);
    }
    target.changed();
  }

  @Override
  public void close() {
    flat.releaseReference();
  }
}
