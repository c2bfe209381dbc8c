package io.ballast.standalone.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the commands get from the world outside.
 *
 * @param home the checkout: where models/ and the built mesh lie
 * @param environment the environment's variables
 * @param nanoTime a monotonic clock in nanoseconds
 * @param newId makes ids that nobody else has
 * @param console looks whether standard output is a terminal; that takes a while
 */
public record CommandContext(
    Path home,
    Map<String, String> environment,
    LongSupplier nanoTime,
    Supplier<String> newId,
    BooleanSupplier console) {
  /** Copies the environment. */
  public CommandContext {
    environment = Map.copyOf(environment);
  }

  /** Whether standard output is a terminal, on which lines can be rewritten. */
  public boolean terminal() {
    return console.getAsBoolean();
  }

  /** The folder that a mesh writes to unless an option says otherwise, absolute. */
  public Path defaultDataFolder() {
    String named = environment.getOrDefault("BALLAST_DATA", "");
    return named.isEmpty() ? home.resolve(".ballast") : Path.of(named).toAbsolutePath().normalize();
  }
}
