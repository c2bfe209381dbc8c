package io.ballast.safety.core.canary;

/** Is told what watches see and decide. Must not throw and must not block. */
public interface CanaryMonitor {
  /** A number of a canary counts. */
  void canaryObserved(Observation seen);

  /** A watch has decided that its canary is rolled back. */
  void canaryDecided(CanaryVerdict verdict);

  /** A canary has ended. */
  void canaryEnded(CanaryState state);
}
