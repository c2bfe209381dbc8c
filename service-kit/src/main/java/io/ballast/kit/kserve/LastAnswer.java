package io.ballast.kit.kserve;

import java.util.List;

/**
 * The end of an inference.
 *
 * @param outputs of its last answer, or its only one
 * @param times where the time went
 */
public record LastAnswer(List<Tensor> outputs, InferenceTimes times) {
  public LastAnswer {
    outputs = List.copyOf(outputs);
  }
}
