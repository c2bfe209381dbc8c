package io.ballast.inference.triton;

import java.util.List;

/** Requests for our own models. */
final class Requests {
  static final List<Long> ONE = List.of(1L);

  private Requests() {}

  /** Of {@code faulty} and {@code queued}. */
  static InferRequest.Builder faulty(String model, String mode, int arg) {
    return InferRequest.of(model)
        .input(Tensor.floats("X", List.of(1L, 4L), 1, 2, 3, 4))
        .input(Tensor.strings("MODE", List.of(1L, 1L), mode))
        .input(Tensor.ints("ARG", List.of(1L, 1L), arg));
  }

  static InferRequest.Builder faulty(String mode) {
    return faulty("faulty", mode, 0);
  }

  /** Of one that sleeps, and notes that with its id. */
  static InferRequest.Builder sleeper(String model, String id, int millis) {
    return faulty(model, "sleep", millis).id(id);
  }

  static InferRequest.Builder repeat(int count, String mode) {
    return InferRequest.of("repeat")
        .input(Tensor.ints("COUNT", ONE, count))
        .input(Tensor.strings("MODE", ONE, mode));
  }
}
