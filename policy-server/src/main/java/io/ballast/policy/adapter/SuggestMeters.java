package io.ballast.policy.adapter;

import io.ballast.policy.core.suggest.Degradation;
import io.ballast.policy.core.suggest.SuggestAnswer;
import io.ballast.policy.core.suggest.SuggestMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;

/** Suggestions in numbers; the module's README lists the names. */
public final class SuggestMeters implements SuggestMonitor {
  private final MeterRegistry meters;
  private final Timer record;
  private final Timer generate;
  private final Counter abandoned;
  private final Counter tokens;

  public SuggestMeters(MeterRegistry meters) {
    this.meters = meters;
    this.record = meters.timer("ballast.policy.record");
    this.generate = meters.timer("ballast.policy.generate");
    this.abandoned = meters.counter("ballast.policy.suggestions.abandoned");
    this.tokens = meters.counter("ballast.policy.generated.tokens");
  }

  @Override
  public void answered(SuggestAnswer answer) {
    meters
        .timer(
            "ballast.policy.suggestions",
            "decision",
            label(answer.ruling().decision()),
            "reason",
            label(answer.ruling().reason()))
        .record(answer.times().total());
    for (Degradation degradation : answer.degradations()) {
      meters.counter("ballast.policy.degradations", "peer", degradation.peer()).increment();
    }
    Duration infer = answer.times().infer();
    if (infer != null) {
      generate.record(infer);
    }
    tokens.increment(answer.generatedTokens());
  }

  @Override
  public void recorded(Duration duration) {
    record.record(duration);
  }

  @Override
  public void abandoned() {
    abandoned.increment();
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
