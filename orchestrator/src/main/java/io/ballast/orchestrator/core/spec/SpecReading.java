package io.ballast.orchestrator.core.spec;

import java.util.List;

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

  /**
   * Says in which keys two specs, of which the first could be a run's, differ by what they mean, in
   * the order of the first.
   *
   * @return such as {@code learning_rate: 0.1 (0.2 there)}
   */
  List<String> differences(String one, String other);
}
