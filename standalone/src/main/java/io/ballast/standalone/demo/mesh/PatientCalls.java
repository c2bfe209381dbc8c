package io.ballast.standalone.demo.mesh;

import io.ballast.kit.grpc.PeerFaults;
import io.github.resilience4j.core.functions.Either;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * Makes calls that wait for their turn. Callers who ask again as soon as they have an answer fill a
 * busy mesh to its limit for as long as they go on, which is longer than a channel tries: whoever
 * is refused for it comes back when the mesh has asked it to, until it is let in.
 */
final class PatientCalls {
  /** Beside those of the channel, each after the wait that the mesh asks for. */
  static final int MOST_TRIES = 100;

  private static final Duration UNTOLD = Duration.ofSeconds(1);

  private static final Retry TURNS =
      Retry.of(
          "turns",
          RetryConfig.custom()
              .maxAttempts(MOST_TRIES)
              .retryOnException(PatientCalls::isTurnedAway)
              .intervalBiFunction((_, outcome) -> wait(outcome).toMillis())
              .build());

  private PatientCalls() {}

  /**
   * Makes a call, again if it was refused because others are under way.
   *
   * @throws StatusRuntimeException if it fails for another reason, or was refused too often
   */
  static <T> T make(Supplier<T> call) {
    return TURNS.executeSupplier(call);
  }

  private static boolean isTurnedAway(Throwable thrown) {
    return thrown instanceof StatusRuntimeException refused
        && refused.getStatus().getCode() == Status.Code.RESOURCE_EXHAUSTED
        && !PeerFaults.tooLarge(refused.getStatus());
  }

  private static Duration wait(Either<Throwable, Object> outcome) {
    return outcome.isLeft() && outcome.getLeft() instanceof StatusRuntimeException refused
        ? PeerFaults.retryDelay(refused).orElse(UNTOLD)
        : UNTOLD;
  }
}
