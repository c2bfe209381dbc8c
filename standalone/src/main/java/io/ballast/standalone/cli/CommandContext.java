package io.ballast.standalone.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the commands get from the world outside.
 *
 * @param home the checkout: where models/ and the built mesh lie
 * @param environment the environment's variables
 * @param nanoTime a monotonic clock in nanoseconds
 * @param newId makes ids that nobody else has
 * @param terminal whether standard output is a terminal, on which lines can be rewritten
 */
public record CommandContext(
    Path home,
    Map<String, String> environment,
    LongSupplier nanoTime,
    Supplier<String> newId,
    boolean terminal) {
  /** Copies the environment. */
  public CommandContext {
    environment = Map.copyOf(environment);
  }

  /** The folder that a mesh writes to unless an option says otherwise, absolute. */
  public Path defaultDataFolder() {
    String named = environment.getOrDefault("BALLAST_DATA", "");
    return named.isEmpty() ? home.resolve(".ballast") : Path.of(named).toAbsolutePath().normalize();
  }
}
