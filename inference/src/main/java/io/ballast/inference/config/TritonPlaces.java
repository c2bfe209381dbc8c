package io.ballast.inference.config;

import io.ballast.inference.triton.ScoringPlace;
import java.nio.file.Path;
import java.util.List;

/** Makes of an operator's {@link TritonProperties} the place that they mean. */
public final class TritonPlaces {
  private TritonPlaces() {}

  /**
   * Reads {@code triton}.
   *
   * @param property what they are called in front of their own names, such as {@code
   *     ballast.reward.triton}
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static ScoringPlace of(String property, TritonProperties triton) {
    try {
      return new ScoringPlace(
          triton.targets().orElse(List.of()),
          triton.models().orElse(List.of()),
          triton.servedModels(),
          triton.tls(),
          triton.trustedFile().map(Path::of),
          triton.tokenFile().map(Path::of),
          triton.tokenVariable(),
          triton.timeout(),
          triton.inFlight(),
          triton.batchTokens());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(property + "." + e.getMessage(), e);
    }
  }
}
