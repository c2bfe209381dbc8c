package io.ballast.policy.grpc;

import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.grammar.Grammar;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.Timing;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.policy.core.FurtherOptions;
import io.ballast.policy.core.PhaseTimes;
import io.ballast.policy.core.SamplingChoice;
import java.time.Duration;
import java.util.function.Function;

/** Translates what all calls share: who asks, which version, how to draw, where the time went. */
public final class CallMapper {
  /** What the wire format allows. */
  private static final long MAX_SECONDS = 315_576_000_000L;

  private final Function<RequestMetadata, RequestContext> contexts;

  /**
   * @param contexts validates metadata and fills in defaults
   */
  public CallMapper(Function<RequestMetadata, RequestContext> contexts) {
    this.contexts = contexts;
  }

  /** Who asks, validated. */
  Caller caller(RequestMetadata metadata) {
    return MeshMessages.caller(contexts.apply(metadata));
  }

  static SamplingChoice sampling(SamplingOptions options) {
    return new SamplingChoice(
        options.hasTemperature() ? options.getTemperature() : null,
        options.hasTopK() ? options.getTopK() : null,
        options.hasTopP() ? options.getTopP() : null,
        options.hasMaxNewTokens() ? options.getMaxNewTokens() : null,
        options.getStopStringsList(),
        options.hasSeed() ? options.getSeed() : null,
        new FurtherOptions(
            options.getMinP(),
            options.hasRepetitionPenalty() ? options.getRepetitionPenalty() : 1,
            options.getPresencePenalty(),
            options.getFrequencyPenalty(),
            options.getLogitBiasMap(),
            options.getMinNewTokens(),
            options.getStopTokenIdsList(),
            options.hasRegex() ? options.getRegex() : null,
            options.hasJsonSchema() ? options.getJsonSchema() : null));
  }

  static SamplingOptions sampling(io.ballast.inference.api.SamplingOptions options) {
    SamplingOptions.Builder sampling =
        SamplingOptions.newBuilder()
            .setTemperature(options.temperature())
            .setTopK(options.topK())
            .setTopP(options.topP())
            .setMinP(options.minP())
            .setRepetitionPenalty(options.repetitionPenalty())
            .setPresencePenalty(options.presencePenalty())
            .setFrequencyPenalty(options.frequencyPenalty())
            .putAllLogitBias(options.logitBias())
            .setMinNewTokens(options.minNewTokens())
            .setMaxNewTokens(options.maxNewTokens())
            .addAllStopStrings(options.stopStrings())
            .addAllStopTokenIds(options.stopTokenIds())
            .setSeed(options.seed());
    Grammar grammar = options.grammar();
    if (grammar != null) {
      switch (grammar.kind()) {
        case REGEX -> sampling.setRegex(grammar.source());
        case JSON_SCHEMA -> sampling.setJsonSchema(grammar.source());
      }
    }
    return sampling.build();
  }

  static TokenSequence tokens(TokenIds ids) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int i = 0; i < ids.size(); i++) {
      sequence.addTokenIds(ids.get(i));
    }
    return sequence.build();
  }

  static TokenIds tokens(TokenSequence sequence) {
    return TokenIds.of(sequence.getTokenIdsList().stream().mapToInt(Integer::intValue).toArray());
  }

  static io.ballast.mesh.v1.StopReason stopReason(StopReason reason) {
    return switch (reason) {
      case END_OF_TEXT -> io.ballast.mesh.v1.StopReason.STOP_REASON_END_OF_TEXT;
      case STOP_STRING -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_STRING;
      case MAX_TOKENS -> io.ballast.mesh.v1.StopReason.STOP_REASON_MAX_TOKENS;
      case CONTEXT_FULL -> io.ballast.mesh.v1.StopReason.STOP_REASON_CONTEXT_FULL;
      case CANCELLED -> io.ballast.mesh.v1.StopReason.STOP_REASON_CANCELLED;
      case STOP_TOKEN -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_TOKEN;
      case GRAMMAR_COMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_COMPLETE;
      case GRAMMAR_INCOMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_INCOMPLETE;
    };
  }

  static Timing timing(PhaseTimes times) {
    Timing.Builder timing =
        Timing.newBuilder()
            .setQueueDuration(duration(times.queue()))
            .setTotalDuration(duration(times.total()));
    Duration infer = times.infer();
    if (infer != null) {
      timing.setInferDuration(duration(infer));
    }
    return timing.build();
  }

  /**
   * Reads a duration.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST naming {@code field} if it is none
   */
  static Duration duration(String field, com.google.protobuf.Duration sent) {
    boolean holds =
        sent.getSeconds() >= -MAX_SECONDS
            && sent.getSeconds() <= MAX_SECONDS
            && sent.getNanos() >= -999_999_999
            && sent.getNanos() <= 999_999_999
            && Long.signum(sent.getSeconds()) * Integer.signum(sent.getNanos()) >= 0;
    if (!holds) {
      throw Texts.malformed(
          field,
          "%d s, %d ns (expected: at most 10,000 years, below 10^9 ns, of one sign)"
              .formatted(sent.getSeconds(), sent.getNanos()));
    }
    return Duration.ofSeconds(sent.getSeconds(), sent.getNanos());
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }
}
