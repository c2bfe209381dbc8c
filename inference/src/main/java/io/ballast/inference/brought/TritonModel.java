package io.ballast.inference.brought;

import io.ballast.inference.triton.ServedModel;
import java.util.Optional;

/**
 * A model that somebody put on a Triton, and what its tensors are called there. Types and shapes
 * are read from its metadata.
 *
 * @param model its name there
 * @param version its number there
 * @param input how a row goes in
 * @param output the tensor of the scores: FP32, FP16 or FP64, one row a row and K numbers in it, or
 *     one number alone
 */
public record TritonModel(String model, String version, RowTensors input, String output) {
  /** How a row goes in. */
  public sealed interface RowTensors {
    /**
     * As a text, BYTES.
     *
     * @param text the tensor's name
     */
    record Text(String text) implements RowTensors {}

    /**
     * As token ids, INT64 or INT32, padded with 0 on the right.
     *
     * @param ids the tensor's name
     * @param mask that of 1 for each token and 0 for padding, of a type as that of the ids; empty:
     *     only rows of one length share a request
     */
    record Ids(String ids, Optional<String> mask) implements RowTensors {}
  }

  /** What it is called there. */
  ServedModel served() {
    return new ServedModel(model, version);
  }

  /** Whether rows go in as texts, which somebody else splits into tokens. */
  boolean readsTexts() {
    return input instanceof RowTensors.Text;
  }
}
