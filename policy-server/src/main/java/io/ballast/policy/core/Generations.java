package io.ballast.policy.core;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/** Asks for generations, and waits for them. */
public final class Generations {
  private Generations() {}

  /**
   * Returns {@code request} as that of {@code caller}: in its lane, on its tenant's account, for as
   * long as it waits.
   */
  public static GenerationRequest of(
      GenerationRequest request, Caller caller, CallCancellation cancellation) {
    return request.of(caller.lane(), caller.tenant()).within(cancellation.remaining());
  }

  /**
   * Starts a completion.
   *
   * @param field where the caller wrote the prompt
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming {@code field}, if the
   *     decoder takes no such prompt
   * @throws ModelException as {@link Decoder#generate(GenerationRequest, Consumer)}
   */
  public static GenerationHandle start(
      Decoder decoder, GenerationRequest request, Consumer<GeneratedToken> onToken, String field) {
    try {
      return decoder.generate(request, onToken);
    } catch (IllegalArgumentException e) {
      throw Texts.malformed(field, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Returns what {@code handle} comes to.
   *
   * @throws ModelException if the engine failed
   * @throws CancellationException if the waiting thread is interrupted; the generation is cancelled
   */
  public static Generation await(GenerationHandle handle) {
    try {
      return handle.result().get();
    } catch (InterruptedException e) {
      handle.cancel();
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while generating");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ModelException known) {
        throw known;
      }
      throw new ModelException(
          ModelException.Reason.BROKEN, "the engine failed: " + e.getCause(), e);
    }
  }
}
