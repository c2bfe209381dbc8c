package io.ballast.policy.adapter;

import io.ballast.policy.core.suggest.Degradation;
import io.ballast.policy.core.suggest.SuggestAnswer;
import io.ballast.policy.core.suggest.SuggestMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Suggestions in numbers, spans and log lines; the module's README lists the names. The call's own
 * span carries the suggestion's id, so that a trace can be found from a suggestion.
 */
public final class SuggestTelemetry implements SuggestMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(SuggestTelemetry.class);

  private static final List<String> PEERS =
      List.of(PeerMessages.REWARD_SERVER, PeerMessages.SAFETY_SERVER);

  private final MeterRegistry meters;
  private final Tracer tracer;
  private final Map<Phase, Timer> phases = new EnumMap<>(Phase.class);
  private final Counter abandoned;
  private final Counter tokens;

  public SuggestTelemetry(MeterRegistry meters, OpenTelemetry telemetry) {
    this.meters = meters;
    this.tracer = telemetry.getTracer("io.ballast.policy");
    Arrays.stream(Phase.values())
        .forEach(p -> phases.put(p, meters.timer("ballast.policy.phase", "phase", label(p))));
    // there from the start, at 0: what first appears at 1 has no increase to alert on
    PEERS.forEach(this::degradations);
    this.abandoned = meters.counter("ballast.policy.suggestions.abandoned");
    this.tokens = meters.counter("ballast.policy.generated.tokens");
  }

  @Override
  public <T> T watch(Phase phase, Supplier<T> work) {
    Span span = tracer.spanBuilder("policy." + label(phase)).startSpan();
    Timer.Sample sample = Timer.start(meters);
    try (Scope scope = span.makeCurrent()) {
      return work.get();
    } catch (RuntimeException e) {
      span.setStatus(StatusCode.ERROR, e.getClass().getSimpleName());
      throw e;
    } finally {
      Timer timer = phases.get(phase);
      if (timer != null) {
        var unused = sample.stop(timer);
      }
      span.end();
    }
  }

  @Override
  public void answered(SuggestAnswer answer) {
    String decision = label(answer.ruling().decision());
    String reason = label(answer.ruling().reason());
    meters
        .timer("ballast.policy.suggestions", "decision", decision, "reason", reason)
        .record(answer.times().total());
    for (Degradation degradation : answer.degradations()) {
      degradations(degradation.peer()).increment();
    }
    tokens.increment(answer.generatedTokens());
    Span.current()
        .setAttribute("ballast.suggestion_id", answer.suggestionId().toString())
        .setAttribute("ballast.decision", decision)
        .setAttribute("ballast.reason", reason)
        .setAttribute("ballast.policy_version", answer.policyVersion().version());
    LOG.debug(
        "suggestion {}: {}, {}, version {}, {} ms",
        answer.suggestionId(),
        decision,
        reason,
        answer.policyVersion().version(),
        answer.times().total().toMillis());
  }

  private Counter degradations(String peer) {
    return meters.counter("ballast.policy.degradations", "peer", peer);
  }

  @Override
  public void abandoned() {
    abandoned.increment();
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
