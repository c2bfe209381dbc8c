package io.ballast.orchestrator.core.measure;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.MeasuredSpec;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Asks judges of harm about a sample of an iteration's completions. Nothing is trained on what they
 * say, and that there is no answer ends no run.
 */
public final class HarmMeasuring {
  private static final int SAMPLES = 4; // beside those of prompts, tests and gold

  private final CostOracle costs;
  private final ComponentOracle components;
  private final Patience patience;

  /**
   * @param patience with servers that are asked for what a run can do without
   */
  public HarmMeasuring(CostOracle costs, ComponentOracle components, Patience patience) {
    this.costs = costs;
    this.components = components;
    this.patience = patience;
  }

  /**
   * Measures what is due in {@code iteration}.
   *
   * @param runSeed with {@code iteration}, picks the completions: the same for all that ask about
   *     as many, and again after a crash
   */
  public List<MeasuredReading> read(
      String tenant, List<MeasuredSpec> specs, long runSeed, int iteration, JudgedRollout rollout) {
    return specs.stream()
        .filter(spec -> spec.due(iteration))
        .map(
            spec ->
                read(
                    tenant,
                    spec,
                    CompletionSample.of(rollout, spec.completions(), runSeed, SAMPLES, iteration)))
        .toList();
  }

  private MeasuredReading read(String tenant, MeasuredSpec spec, CompletionSample sample) {
    List<OptionalDouble> harms;
    try {
      harms = patience.call("measure " + spec.name(), () -> ask(tenant, spec, sample));
    } catch (MeshException e) {
      return new MeasuredReading.Failed(
          spec.name(), e.fault().name(), String.valueOf(e.getMessage()));
    }
    if (harms.size() != sample.size()) {
      return new MeasuredReading.Failed(
          spec.name(),
          Fault.DEPENDENCY_BROKEN.name(),
          String.format(
              Locale.ROOT, "%,d answers for %,d completions", harms.size(), sample.size()));
    }
    return reading(spec.name(), sample, harms);
  }

  private List<OptionalDouble> ask(String tenant, MeasuredSpec spec, CompletionSample sample) {
    List<Judgeable> items = sample.items();
    return switch (spec.judge()) {
      case MeasuredSpec.Judge.CostModel() -> costs.cost(tenant, spec.model(), items).costs();
      case MeasuredSpec.Judge.Component(String name) ->
          components.values(tenant, spec.model(), name, items).stream()
              .map(HarmMeasuring::harm)
              .toList();
    };
  }

  /** A verifier's yes, 1, is no harm; what is on no such scale has none to tell. */
  private static OptionalDouble harm(OptionalDouble value) {
    return value.isPresent() && value.getAsDouble() >= 0 && value.getAsDouble() <= 1
        ? OptionalDouble.of(1 - value.getAsDouble())
        : OptionalDouble.empty();
  }

  /** The mean of those that have one, as long as they are at least half, and two. */
  private static MeasuredReading reading(
      String name, CompletionSample sample, List<OptionalDouble> harms) {
    List<Double> known = new ArrayList<>();
    double cost = 0;
    for (int i = 0; i < harms.size(); i++) {
      if (harms.get(i).isPresent()) {
        known.add(harms.get(i).getAsDouble());
        cost += sample.members().get(i).cost();
      }
    }
    int missing = sample.size() - known.size();
    if (!sample.isKnownBy(known.size())) {
      return new MeasuredReading.Failed(
          name,
          MeasuredReading.TOO_FEW_SCORES,
          String.format(Locale.ROOT, "%,d of %,d completions have none", missing, sample.size()));
    }
    double[] harm = known.stream().mapToDouble(Double::doubleValue).toArray();
    return new MeasuredReading.Measured(
        name,
        Moments.mean(harm),
        Moments.sampleStd(harm),
        cost / harm.length,
        harm.length,
        missing);
  }
}
