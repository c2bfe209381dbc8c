package io.ballast.inference.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where models run that do not run in a server's process: the {@code triton.*} among its
 * properties. {@link TritonPlaces} checks them.
 */
public interface TritonProperties {
  /** {@code host:port} of each Triton; absent: all models run in this process. */
  Optional<List<String>> targets();

  /** The names of the models that run there; absent: all. */
  Optional<List<String>> models();

  /** What Triton calls a model, by its name here; absent: the same. */
  Map<String, String> servedModels();

  /** Whether the connections are encrypted. */
  @WithDefault("false")
  boolean tls();

  /** A PEM file of the authorities that are believed; absent: those of this Java. */
  Optional<String> trustedFile();

  /** A file with the token that the servers demand. */
  Optional<String> tokenFile();

  /** The environment variable with the token that the servers demand. */
  Optional<String> tokenVariable();

  /** How long one request may take. */
  @WithDefault("PT10S")
  Duration timeout();

  /** Batches under way at once, of each lane of each model, 1 to 256. */
  @WithDefault("8")
  int inFlight();

  /** A batch is not made larger than so many tokens, ≥ 1. */
  @WithDefault("4096")
  int batchTokens();
}
