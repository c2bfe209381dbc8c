package io.ballast.orchestrator.grpc;

import com.google.protobuf.Duration;
import com.google.protobuf.MessageLite;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.security.Principal;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.rl.sample.Numbers;
import io.grpc.Context;
import io.grpc.Deadline;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/** Translates what all calls share. */
public final class CallMapper {
  private static final java.time.Duration DEFAULT_WAIT = java.time.Duration.ofSeconds(30);
  private static final java.time.Duration ANSWERING = java.time.Duration.ofMillis(200);
  private static final long MAX_WAIT_SECONDS = 3_600;

  private final Function<RequestMetadata, RequestContext> contexts;

  /**
   * @param contexts validates metadata and fills in defaults
   */
  public CallMapper(Function<RequestMetadata, RequestContext> contexts) {
    this.contexts = contexts;
  }

  /** Who asks, validated. */
  Caller caller(RequestMetadata metadata) {
    RequestContext context = contexts.apply(metadata);
    boolean bound = Principals.current().flatMap(Principal::tenant).isPresent();
    return new Caller(context.tenant(), context.idempotencyKey(), bound);
  }

  static VersionSelector selector(ModelSelector selector) {
    String model = selector.getModel();
    return switch (selector.getSelectorCase()) {
      case VERSION -> VersionSelector.version(model, selector.getVersion());
      case ALIAS -> VersionSelector.alias(model, selector.getAlias());
      case SELECTOR_NOT_SET -> VersionSelector.alias(model, VersionSelector.SERVING);
    };
  }

  static ModelVersion version(PinnedVersion version) {
    return ModelVersion.newBuilder()
        .setModel(version.model())
        .setVersion(version.version())
        .setWeightsSha256(version.weightsSha256())
        .build();
  }

  static TokenIds tokens(TokenSequence sequence) {
    return TokenIds.of(sequence.getTokenIdsList().stream().mapToInt(Integer::intValue).toArray());
  }

  static TokenSequence tokens(TokenIds ids) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int i = 0; i < ids.size(); i++) {
      sequence.addTokenIds(ids.get(i));
    }
    return sequence.build();
  }

  /**
   * Returns the numbers of a field.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if one is not finite, naming it
   */
  static Numbers numbers(String path, List<? extends Number> values) {
    double[] numbers = new double[values.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = values.get(i).doubleValue();
      if (!Double.isFinite(numbers[i])) {
        throw Faults.malformed("%s[%d]".formatted(path, i), numbers[i] + " (expected: finite)");
      }
    }
    return Numbers.of(numbers);
  }

  static List<Float> floats(PerToken values) {
    List<Float> floats = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      floats.add(values.get(i));
    }
    return floats;
  }

  /**
   * Returns how long a call may wait: what it says, 30 seconds if it says nothing, and less if its
   * deadline would pass before the answer is out.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if it is not 0 to 3,600 seconds
   */
  static java.time.Duration wait(boolean given, Duration wait) {
    java.time.Duration asked = given ? requireWait(wait) : DEFAULT_WAIT;
    Deadline deadline = Context.current().getDeadline();
    if (deadline != null) {
      java.time.Duration left =
          java.time.Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS)).minus(ANSWERING);
      asked = asked.compareTo(left) < 0 ? asked : left;
    }
    return asked.isNegative() ? java.time.Duration.ZERO : asked;
  }

  private static java.time.Duration requireWait(Duration wait) {
    long seconds = wait.getSeconds();
    int nanos = wait.getNanos();
    boolean holds =
        seconds >= 0
            && nanos >= 0
            && nanos < 1_000_000_000
            && (seconds < MAX_WAIT_SECONDS || (seconds == MAX_WAIT_SECONDS && nanos == 0));
    if (!holds) {
      throw Faults.malformed(
          "wait_duration",
          "%d s and %d ns (expected: 0 to %,d s)".formatted(seconds, nanos, MAX_WAIT_SECONDS));
    }
    return java.time.Duration.ofSeconds(seconds, nanos);
  }

  /**
   * Stands for a whole request, less who asks and how long it waits: SHA-256 in hexadecimal. Empty
   * where the caller has no idempotency key, for then nobody compares it.
   */
  static String fingerprint(Caller caller, Supplier<MessageLite> request) {
    return caller.idempotencyKey().isEmpty() ? "" : Sha256.of(request.get().toByteArray());
  }
}
