package io.ballast.kit.kserve;

import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.function.Consumer;

/** One version of a model, as a KServe client sees it. Thread-safe. */
public interface ServedModel {
  /** Which. */
  PinnedVersion id();

  /** What it takes and gives. */
  ModelSignature signature();

  /**
   * Makes an inference for the call of the current gRPC Context: its deadline and cancellation end
   * it. An item that cannot be inferred fails all of it; no number is made up.
   *
   * @param earlier takes the outputs of each answer before the last, in order: of none unless the
   *     model is decoupled. May block while the client is slow
   * @return the last answer, which the client is told is that
   * @throws io.ballast.kit.error.MeshException if there is no answer, or not a whole one
   * @throws java.util.concurrent.CancellationException if the caller has left
   */
  LastAnswer infer(InferenceCommand command, Consumer<List<Tensor>> earlier);
}
