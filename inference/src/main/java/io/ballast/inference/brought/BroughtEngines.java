package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.ServedModel;

/**
 * What computes members.
 *
 * @param onnx how models in ONNX run
 * @param triton opens models on Tritons
 */
public record BroughtEngines(EncoderOptions onnx, Tritons triton) {
  /** Opens models on Tritons. */
  @FunctionalInterface
  public interface Tritons {
    /**
     * Opens connections to those that have a model.
     *
     * @throws ModelException INVALID_FOLDER if nobody said where Tritons are
     */
    GuardedModel open(ServedModel model);
  }

  /** This process alone. */
  public static BroughtEngines here(EncoderOptions onnx) {
    return new BroughtEngines(
        onnx,
        model -> {
          throw new ModelException(
              Reason.INVALID_FOLDER,
              "triton: %s runs behind a Triton, and none is named".formatted(model));
        });
  }
}
