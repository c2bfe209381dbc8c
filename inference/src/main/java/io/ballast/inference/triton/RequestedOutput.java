package io.ballast.inference.triton;

import java.util.Optional;

/**
 * An output that the caller wants.
 *
 * @param classes 0: the tensor; else the best so many of its numbers, as texts of the form
 *     VALUE:INDEX:LABEL
 * @param into where the server writes it; empty: it travels
 */
public record RequestedOutput(String name, int classes, Optional<SharedSlice> into) {
  public RequestedOutput {
    if (classes < 0) {
      throw new IllegalArgumentException(name + ".classes: " + classes + " (expected: ≥ 0)");
    }
  }

  /** The tensor of this name. */
  public static RequestedOutput of(String name) {
    return new RequestedOutput(name, 0, Optional.empty());
  }
}
