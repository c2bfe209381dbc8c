package io.ballast.policy.adapter;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationTimes;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.telemetry.PhaseSpans;
import io.ballast.policy.core.outage.OutageSuggestionLog;
import io.ballast.policy.core.suggest.Candidates;
import io.ballast.policy.core.suggest.Degradation;
import io.ballast.policy.core.suggest.SuggestAnswer;
import io.ballast.policy.core.suggest.SuggestMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Suggestions in numbers, spans and log lines; the module's README lists the names. The call's own
 * span carries the suggestion's id, so that a trace can be found from a suggestion.
 */
public final class SuggestTelemetry implements SuggestMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(SuggestTelemetry.class);
  private static final String PROVIDER = "ballast";

  private static final AttributeKey<List<String>> FINISH_REASONS =
      AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");

  // the bounds that OpenTelemetry's conventions give for generative models
  private static final Duration[] REQUEST_BOUNDS =
      seconds(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96);
  private static final Duration[] FIRST_TOKEN_BOUNDS =
      seconds(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10);
  private static final Duration[] TOKEN_BOUNDS =
      seconds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5);

  private static final List<String> PEERS =
      List.of(PeerMessages.REWARD_SERVER, PeerMessages.SAFETY_SERVER);

  /** The reason where no answer came that can be used. */
  private static final String NO_ANSWER = "no_answer";

  private final MeterRegistry meters;
  private final Tracer tracer;
  private final PhaseSpans parts;
  private final Map<Phase, Timer> phases = new EnumMap<>(Phase.class);
  private final Map<String, ModelTimers> ofModels = new ConcurrentHashMap<>();
  private final Counter abandoned;
  private final Counter tokens;

  public SuggestTelemetry(MeterRegistry meters, OpenTelemetry telemetry, InstantSource clock) {
    this.meters = meters;
    this.tracer = telemetry.getTracer("io.ballast.policy");
    this.parts = new PhaseSpans(tracer, clock);
    Arrays.stream(Phase.values())
        .forEach(p -> phases.put(p, meters.timer("ballast.policy.phase", "phase", label(p))));
    // there from the start, at 0: what first appears at 1 has no increase to alert on
    for (String peer : PEERS) {
      Stream.concat(
              Stream.of(NO_ANSWER),
              Arrays.stream(ItemFault.Reason.values()).map(SuggestTelemetry::label))
          .forEach(reason -> degradations(peer, reason));
    }
    var unused = degradations(OutageSuggestionLog.DATABASE, NO_ANSWER);
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

  /** By OpenTelemetry's names for generative models. */
  @Override
  public void generated(PinnedVersion version, Candidates candidates) {
    List<Generation> generations = candidates.generations();
    Span.current()
        .setAttribute("gen_ai.operation.name", "text_completion")
        .setAttribute("gen_ai.provider.name", PROVIDER)
        .setAttribute("gen_ai.request.model", version.model())
        .setAttribute("gen_ai.response.model", version.model() + "/" + version.version())
        .setAttribute("gen_ai.usage.input_tokens", generations.getFirst().promptTokens().size())
        .setAttribute("gen_ai.usage.output_tokens", candidates.tokens())
        .setAttribute(
            FINISH_REASONS, generations.stream().map(each -> label(each.stopReason())).toList());
    candidates.slowest().ifPresent(slowest -> timed(version.model(), slowest));
  }

  private void timed(String model, Candidates.Timed slowest) {
    GenerationTimes times = slowest.times();
    parts.ended(
        times.total(),
        List.of(
            new PhaseSpans.Phase("policy.queue", times.queue()),
            new PhaseSpans.Phase("policy.prefill", times.prefill()),
            new PhaseSpans.Phase("policy.decode", times.decode())));
    ModelTimers timers = ofModels.computeIfAbsent(model, name -> ModelTimers.of(name, meters));
    timers.request().record(times.total());
    timers.firstToken().record(times.queue().plus(times.prefill()));
    int more = slowest.generation().tokens().size() - 1;
    if (more > 0) {
      timers.token().record(times.decode().dividedBy(more));
    }
  }

  /** Kept, because looking for a timer with its bounds takes longer than recording. */
  private record ModelTimers(Timer request, Timer firstToken, Timer token) {
    static ModelTimers of(String model, MeterRegistry meters) {
      return new ModelTimers(
          genAi("gen_ai.server.request.duration", model, REQUEST_BOUNDS, meters),
          genAi("gen_ai.server.time_to_first_token", model, FIRST_TOKEN_BOUNDS, meters),
          genAi("gen_ai.server.time_per_output_token", model, TOKEN_BOUNDS, meters));
    }
  }

  private static Timer genAi(String name, String model, Duration[] bounds, MeterRegistry meters) {
    return Timer.builder(name)
        .tag("gen_ai.operation.name", "text_completion")
        .tag("gen_ai.provider.name", PROVIDER)
        .tag("gen_ai.request.model", model)
        .serviceLevelObjectives(bounds)
        .register(meters);
  }

  private static Duration[] seconds(double... bounds) {
    return Arrays.stream(bounds)
        .mapToObj(bound -> Duration.ofNanos(Math.round(bound * 1e9)))
        .toArray(Duration[]::new);
  }

  @Override
  public void answered(SuggestAnswer answer) {
    String decision = label(answer.ruling().decision());
    String reason = label(answer.ruling().reason());
    meters
        .timer("ballast.policy.suggestions", "decision", decision, "reason", reason)
        .record(answer.times().total());
    for (Degradation degradation : answer.degradations()) {
      ItemFault.Reason part = degradation.part();
      degradations(degradation.peer(), part == null ? NO_ANSWER : label(part)).increment();
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

  private Counter degradations(String peer, String reason) {
    return meters.counter("ballast.policy.degradations", "peer", peer, "reason", reason);
  }

  @Override
  public void abandoned() {
    abandoned.increment();
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
