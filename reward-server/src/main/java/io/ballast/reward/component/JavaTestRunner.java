package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;

/** Runs untrusted Java with its tests, within limits. Thread-safe. */
@FunctionalInterface
public interface JavaTestRunner extends AutoCloseable {
  /**
   * Compiles and runs.
   *
   * @param source a compilation unit
   * @param tests another, of which {@link JavaTestsComponent} says what a test is
   * @throws CannotJudge if that could not be done to the end, and it says nothing of the source
   * @throws MeshException PRECONDITION_FAILED if this server runs no tests
   */
  TestReport run(String source, String tests, CallPatience patience) throws CannotJudge;

  @Override
  default void close() {}

  /**
   * Runs nothing.
   *
   * @param why for the caller
   */
  static JavaTestRunner off(String why) {
    return (source, tests, patience) -> {
      throw new MeshException(Fault.PRECONDITION_FAILED, why);
    };
  }
}
