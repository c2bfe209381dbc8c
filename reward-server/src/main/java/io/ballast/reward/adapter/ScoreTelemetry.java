package io.ballast.reward.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.telemetry.PhaseSpans;
import io.ballast.kit.telemetry.PhaseSpans.Phase;
import io.ballast.reward.core.Reward;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoredItem;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores through {@code next}, and tells what came of it in numbers and spans; the module's README
 * lists the names. A call does not suffer where that fails.
 */
public final class ScoreTelemetry implements RewardScorer {
  private static final Logger LOG = LoggerFactory.getLogger(ScoreTelemetry.class);

  private final RewardScorer next;
  private final MeterRegistry meters;
  private final PhaseSpans spans;

  public ScoreTelemetry(
      RewardScorer next, MeterRegistry meters, OpenTelemetry telemetry, InstantSource clock) {
    this.next = next;
    this.meters = meters;
    this.spans = new PhaseSpans(telemetry.getTracer("io.ballast.reward"), clock);
  }

  @Override
  public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
    ScoreAnswer answer = next.score(command, patience);
    try {
      tell(answer);
    } catch (RuntimeException e) {
      LOG.debug("an answer was not told of", e);
    }
    return answer;
  }

  @Override
  public int maxItems() {
    return next.maxItems();
  }

  private void tell(ScoreAnswer answer) {
    PinnedVersion by = answer.by().id();
    count(answer.items(), by.model());
    PhaseTimes times = answer.times();
    List<Phase> phases =
        List.of(
            new Phase("reward.tokenise", times.tokenise()),
            new Phase("reward.queue", times.queue()),
            new Phase("reward.batch", times.batchWait()),
            new Phase("reward.infer", times.infer()),
            new Phase("reward.aggregate", times.aggregate()));
    phases.forEach(this::time);
    spans.ended(times.total(), phases);
    Span.current()
        .setAttribute("gen_ai.request.model", by.model())
        .setAttribute("ballast.reward_version", by.version())
        .setAttribute("ballast.items", answer.items().size());
  }

  private void count(List<ScoredItem> items, String model) {
    DistributionSummary spread = meters.summary("ballast.reward.spread", "model", model);
    Map<String, Integer> outcomes = new TreeMap<>();
    for (ScoredItem item : items) {
      outcomes.merge(
          switch (item.reward()) {
            case Reward.Value value -> {
              value.spread().ifPresent(spread::record);
              yield "value";
            }
            case Reward.Failed failed -> failed.fault().reason().name().toLowerCase(Locale.ROOT);
          },
          1,
          Integer::sum);
    }
    outcomes.forEach(
        (outcome, count) ->
            meters
                .counter("ballast.reward.items", "model", model, "outcome", outcome)
                .increment(count));
  }

  private void time(Phase phase) {
    Duration took = phase.took();
    if (took.isPositive()) {
      meters
          .timer("ballast.reward.phase", "phase", phase.name().substring("reward.".length()))
          .record(took);
    }
  }
}
