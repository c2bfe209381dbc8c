package io.ballast.orchestrator.core.spec;

/** Reads specs as they were written. Each method refuses by MALFORMED_REQUEST, naming the key. */
public interface SpecReading {
  /** Reads the spec of a run that is to learn. */
  RunSpec apply(String spec);

  /**
   * Reads the spec of a run that has learned: for its test and promotion. What only learning reads
   * is left out, whatever is refused there today.
   */
  RunSpec learned(String spec);

  /** Reads what anybody may still ask of a run, whatever became of it. */
  StandingSpec standing(String spec);
}
