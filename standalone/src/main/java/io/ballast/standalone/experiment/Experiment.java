package io.ballast.standalone.experiment;

import java.io.IOException;

/**
 * Claims of a paper, measured again. One class implements one experiment and is named in {@link
 * Experiments}; the command, its files and its page need nothing else.
 *
 * <p>What is measured, how claims are decided and what the sizes are is fixed in the code before a
 * complete run. A seed decides all draws, so that another run of the same code says the same, but
 * for rounding in batches.
 */
public interface Experiment {
  /** What it is called on the command line: lower-case words joined by hyphens. */
  String name();

  /** What it measures, in one sentence for the list. */
  String summary();

  /** How often it repeats where a command does not say; at least 2. */
  default int seeds() {
    return 5;
  }

  /** Whether it takes the options of experiments that compare algorithms of runs. */
  default boolean learns() {
    return false;
  }

  /**
   * Measures.
   *
   * @throws IOException if a file cannot be read or written, a part does not start, or what is
   *     needed is not there; the message says what to do
   */
  ExperimentReport run(ExperimentSetting setting) throws IOException;
}
