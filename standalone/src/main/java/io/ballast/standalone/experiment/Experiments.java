package io.ballast.standalone.experiment;

import io.ballast.standalone.experiment.algorithms.AlgorithmsExperiment;
import io.ballast.standalone.experiment.ensembles.EnsemblesExperiment;
import io.ballast.standalone.experiment.gate.GateExperiment;
import io.ballast.standalone.experiment.safety.SafetyExperiment;
import java.util.List;
import java.util.Optional;

/** The experiments there are. */
public final class Experiments {
  private static final List<Experiment> ALL =
      List.of(
          new AlgorithmsExperiment(),
          new EnsemblesExperiment(),
          new GateExperiment(),
          new SafetyExperiment());

  private Experiments() {}

  /** All, in the order of the list. */
  public static List<Experiment> all() {
    return ALL;
  }

  /** Returns the one of that name. */
  public static Optional<Experiment> named(String name) {
    return ALL.stream().filter(experiment -> experiment.name().equals(name)).findFirst();
  }
}
