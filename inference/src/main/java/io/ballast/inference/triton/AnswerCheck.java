package io.ballast.inference.triton;

import io.ballast.inference.triton.ModelDescription.TensorPromise;
import java.util.Optional;

/**
 * Compares an answer with what the model's metadata promise: Triton itself passes on outputs of
 * another type, shape or number of rows.
 */
final class AnswerCheck {
  private AnswerCheck() {}

  /** Returns what is wrong with {@code answer}; empty if it is as promised. */
  static Optional<String> wrong(
      ModelDescription promised, InferRequest request, InferAnswer answer) {
    if (!answer.model().name().equals(request.model().name())) {
      return Optional.of("answered by model " + answer.model());
    }
    if (!request.model().version().isEmpty()
        && !answer.model().version().equals(request.model().version())) {
      return Optional.of("answered by version '" + answer.model().version() + "'");
    }
    if (!answer.id().equals(request.id())) {
      return Optional.of(
          "the answer to '%s' came to request '%s'".formatted(answer.id(), request.id()));
    }
    for (Tensor output : answer.outputs()) {
      Optional<String> wrong = wrongOutput(promised, request, output);
      if (wrong.isPresent()) {
        return wrong;
      }
    }
    for (RequestedOutput wanted : request.outputs()) {
      if (answer.find(wanted.name()).isEmpty()) {
        return Optional.of("answered without the output '" + wanted.name() + "'");
      }
    }
    return request.outputs().isEmpty() && !promised.decoupled() && !allOptional(promised)
        ? missing(promised, answer)
        : Optional.empty();
  }

  /** A model all of whose inputs are optional may answer with those outputs that belong to them. */
  private static boolean allOptional(ModelDescription promised) {
    return !promised.inputs().isEmpty()
        && promised.inputs().stream().allMatch(TensorPromise::optional);
  }

  private static Optional<String> missing(ModelDescription promised, InferAnswer answer) {
    return promised.outputs().stream()
        .filter(output -> answer.find(output.name()).isEmpty())
        .findFirst()
        .map(output -> "answered without the output '" + output.name() + "'");
  }

  private static Optional<String> wrongOutput(
      ModelDescription promised, InferRequest request, Tensor output) {
    Optional<TensorPromise> promise = promised.output(output.name());
    if (promise.isEmpty()) {
      return Optional.of("output '" + output.name() + "': the model promises none of this name");
    }
    if (asClasses(request, output)) {
      return output.type() == TensorType.BYTES
          ? Optional.empty()
          : Optional.of(
              "output '%s': %s (promised: classes, which are BYTES)"
                  .formatted(output.name(), output.type()));
    }
    if (output.type() != promise.get().type()) {
      return Optional.of(
          "output '%s': %s (promised: %s)"
              .formatted(output.name(), output.type(), promise.get().type()));
    }
    if (!promise.get().allows(output.shape())) {
      if (isBareRow(promised, request, promise.get(), output)) {
        return Optional.empty();
      }
      return Optional.of(
          "output '%s': shape %s (promised: %s)"
              .formatted(output.name(), output.shape(), promise.get().shape()));
    }
    return wrongRows(promised, request, output);
  }

  private static boolean asClasses(InferRequest request, Tensor output) {
    for (RequestedOutput wanted : request.outputs()) {
      if (wanted.classes() > 0 && wanted.name().equals(output.name())) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether it is the one row that was asked for, without the batch's dimension: so TensorRT-LLM's
   * postprocessing answers, and nothing but that row can be meant.
   */
  private static boolean isBareRow(
      ModelDescription promised, InferRequest request, TensorPromise promise, Tensor output) {
    return promised.maxBatchSize() > 0
        && output.type() == TensorType.BYTES
        && rows(request) == 1
        && promise.row().allows(output.shape());
  }

  private static long rows(InferRequest request) {
    return request.inputs().isEmpty() || request.inputs().getFirst().shape().isEmpty()
        ? 0
        : request.inputs().getFirst().shape().getFirst();
  }

  private static Optional<String> wrongRows(
      ModelDescription promised, InferRequest request, Tensor output) {
    long rows = rows(request);
    if (promised.maxBatchSize() == 0 || rows == 0 || output.shape().isEmpty()) {
      return Optional.empty();
    }
    return output.shape().getFirst() == rows
        ? Optional.empty()
        : Optional.of(
            "output '%s': %,d rows (the request has %,d)"
                .formatted(output.name(), output.shape().getFirst(), rows));
  }
}
