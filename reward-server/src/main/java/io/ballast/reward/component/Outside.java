package io.ballast.reward.component;

import java.util.Optional;

/**
 * What components ask outside of this process.
 *
 * @param remotes by name
 * @param tests runs unit tests
 */
public record Outside(RemoteRewards remotes, JavaTestRunner tests) implements AutoCloseable {
  /** What runs no tests, and says which property is missing. */
  public static final JavaTestRunner NO_TESTS =
      JavaTestRunner.off(
          "this server runs no unit tests: ballast.reward.components.java-tests.enabled is false");

  /** Nothing: what is asked for is refused. */
  public static Outside none() {
    return new Outside(name -> Optional.empty(), NO_TESTS);
  }

  @Override
  public void close() {
    remotes.close();
    tests.close();
  }
}
