package io.ballast.inference.triton;

import io.ballast.kit.call.BearerToken;
import io.ballast.kit.call.Lane;
import io.ballast.kit.resilience.PeerSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where an operator wants scoring models to run: Tritons that have the same models.
 *
 * @param targets {@code host:port} of each; none: nothing runs there
 * @param models the names of those that run there; none: all
 * @param servedModels what Triton calls them, by name; absent: the same
 * @param encrypted whether connections use TLS
 * @param trusted a PEM file of the authorities that are believed; empty: those of this Java
 * @param tokenFile holds what the servers demand; absent, as the next: nothing
 * @param tokenVariable names the environment variable that does
 * @param timeout how long one request may take
 * @param inFlight batches under way at once, of each lane of each model
 * @param batchTokens a batch is not made larger than this
 */
public record ScoringPlace(
    List<String> targets,
    List<String> models,
    Map<String, String> servedModels,
    boolean encrypted,
    Optional<Path> trusted,
    Optional<Path> tokenFile,
    Optional<String> tokenVariable,
    Duration timeout,
    int inFlight,
    int batchTokens) {
  private static final int MAX_IN_FLIGHT = 256;
  private static final int WINDOW_CALLS = 8;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of its range as an operator writes it
   */
  public ScoringPlace {
    targets = List.copyOf(targets);
    models = List.copyOf(models);
    servedModels = Map.copyOf(servedModels);
    for (String target : targets) {
      require(
          target.matches("(\\[[0-9a-fA-F:.]+]|[^/:@\\s]+):[0-9]{1,5}"),
          "targets",
          target.contains("@") ? "not shown" : target,
          "host:port");
    }
    models.forEach(name -> require(!name.isBlank(), "models", "''", "names"));
    servedModels.forEach(
        (name, there) -> require(!there.isBlank(), "served-models." + name, "''", "a name"));
    require(
        trusted.isEmpty() || encrypted, "trusted-file", trusted.orElse(null), "none without tls");
    require(
        tokenFile.isEmpty() || tokenVariable.isEmpty(),
        "token-file",
        "given",
        "not beside token-variable");
    require(timeout.isPositive(), "timeout", timeout, "> 0");
    require(inFlight >= 1 && inFlight <= MAX_IN_FLIGHT, "in-flight", inFlight, "1 to 256");
    require(batchTokens >= 1, "batch-tokens", batchTokens, "≥ 1");
  }

  /**
   * How each model there is guarded: its breaker opens at half of few calls, since one carries many
   * items and may take its whole time.
   */
  public PeerSettings peer() {
    PeerSettings usual = PeerSettings.defaults();
    return new PeerSettings(
        timeout,
        usual.maxInFlight() + Lane.values().length * inFlight,
        usual.failureRatePercent(),
        WINDOW_CALLS,
        usual.openDuration(),
        usual.maxMessageBytes());
  }

  /** Nowhere: everything runs in this process. */
  public boolean isNowhere() {
    return targets.isEmpty();
  }

  /** Whether a model of this name runs there. */
  public boolean has(String model) {
    return !isNowhere() && (models.isEmpty() || models.contains(model));
  }

  /** What Triton calls a model. */
  public String servedName(String model) {
    return servedModels.getOrDefault(model, model);
  }

  /**
   * Opens the connections.
   *
   * @param environment gives a variable's value
   * @throws IllegalArgumentException if the token is not there or is none, or the file of
   *     authorities is none
   */
  public ScoringFleet open(Function<String, @Nullable String> environment) {
    return new ScoringFleet(targets, settings(environment));
  }

  /**
   * How its servers are asked, a fleet of models or one.
   *
   * @param environment gives a variable's value
   * @throws IllegalArgumentException as {@link #open}
   */
  public KServeSettings settings(Function<String, @Nullable String> environment) {
    KServeSecurity plain =
        encrypted
            ? trusted.map(KServeSecurity::tls).orElseGet(KServeSecurity::tls)
            : KServeSecurity.none();
    KServeSettings defaults = KServeSettings.defaults();
    Duration control =
        timeout.compareTo(defaults.controlDeadline()) < 0 ? timeout : defaults.controlDeadline();
    return defaults
        .withInferDeadline(timeout)
        .withControlDeadline(control)
        .withSecurity(
            BearerToken.read("", tokenFile, tokenVariable, environment)
                .map(plain::withBearerToken)
                .orElse(plain));
  }

  private static void require(
      boolean holds, String property, @Nullable Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
