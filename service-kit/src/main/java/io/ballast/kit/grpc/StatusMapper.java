package io.ballast.kit.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.util.Durations;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.postgres.DatabaseFaults;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * Turns what a call threw into the status that its caller gets and the level at which it is logged.
 * The table is the one of the style guide, §6.
 */
public final class StatusMapper {
  /** How long a refused caller is asked to wait where nobody knows better. */
  private static final Duration USUAL_DELAY = Duration.ofSeconds(1);

  /** The least and the most that a refused caller is asked to wait, before jitter. */
  private static final Duration LEAST_DELAY = Duration.ofMillis(10);

  private static final Duration MOST_DELAY = Duration.ofSeconds(30);

  /** Up to so much of a delay is added, so that those who were refused together come apart. */
  private static final double JITTER = 0.5;

  private static final RandomGenerator CHANCE = new Random(); // safe for use by many threads

  private static final int MAX_MESSAGE_BYTES = 2_000;
  private static final int MAX_VALUE_BYTES = 400;

  /** A byte that gRPC's status message does not take as it is: %XX. */
  private static final int ESCAPED_BYTES = 3;

  /** A character takes so many bytes of UTF-8 at most. */
  private static final int MOST_BYTES = 3;

  private final String service;
  private final RandomGenerator chance;

  /**
   * @param service the {@code domain} of the errors, such as {@code policy-server}
   */
  public StatusMapper(String service) {
    this(service, CHANCE);
  }

  /**
   * @param chance draws the jitter of delays; must be safe for use by many threads
   */
  public StatusMapper(String service, RandomGenerator chance) {
    this.service = service;
    this.chance = chance;
  }

  /**
   * What came of a failed call.
   *
   * @param answer what the caller gets
   * @param level at which it is logged
   * @param fault absent for the call's own end (its deadline, its caller left) and for a bug
   */
  public record Judgement(StatusRuntimeException answer, Level level, @Nullable Fault fault) {
    /** Whether nobody foresaw this: it is logged with its trace, its message withheld. */
    public boolean isBug() {
      return fault == null && answer.getStatus().getCode() == Status.Code.INTERNAL;
    }
  }

  /** Judges {@code thrown} in the current Context. */
  public Judgement judge(Throwable thrown) {
    return judge(thrown, Context.current());
  }

  /**
   * Judges {@code thrown}. A Context that has ended decides: whatever its call threw then is a
   * consequence.
   */
  public Judgement judge(Throwable thrown, Context context) {
    if (context.isCancelled()) {
      return ended(context);
    }
    if (thrown instanceof MeshException e) {
      return failed(e.fault(), message(e), e.metadata());
    }
    if (thrown instanceof StatusRuntimeException e) {
      RuntimeException judged = PeerFaults.translate(e, "a peer");
      if (judged instanceof MeshException m) {
        return failed(m.fault(), message(m), m.metadata());
      }
      return new Judgement(e, Level.DEBUG, null);
    }
    if (thrown instanceof CancellationException) {
      return new Judgement(
          Status.CANCELLED.withDescription("the call was cancelled").asRuntimeException(),
          Level.DEBUG,
          null);
    }
    if (DatabaseFaults.isAway(thrown)) {
      return failed(
          Fault.DEPENDENCY_DOWN,
          message(DatabaseFaults.away(thrown)),
          Map.of("dependency", "postgresql"));
    }
    return new Judgement(
        Status.INTERNAL
            .withDescription("internal error; the server's log says more under this request's id")
            .asRuntimeException(),
        Level.ERROR,
        null);
  }

  private Judgement failed(Fault fault, String message, Map<String, String> metadata) {
    Status.Code code = code(fault);
    Map<String, String> shown = new TreeMap<>();
    metadata.forEach((name, value) -> shown.put(name, shortened(value, MAX_VALUE_BYTES)));
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage(shortened(message, MAX_MESSAGE_BYTES))
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(fault.name())
                        .setDomain(service)
                        .putAllMetadata(shown)
                        .build()));
    if (canBeWaitedOut(fault)) {
      status.addDetails(
          Any.pack(RetryInfo.newBuilder().setRetryDelay(retryDelay(metadata)).build()));
    }
    return new Judgement(StatusProto.toStatusRuntimeException(status.build()), level(fault), fault);
  }

  /** What whoever refused the call knows of when it may succeed, and some more by chance. */
  private com.google.protobuf.Duration retryDelay(Map<String, String> metadata) {
    String known = metadata.get(MeshException.RETRY_DELAY);
    Duration delay = known == null ? USUAL_DELAY : Duration.parse(known);
    Duration asked =
        Collections.max(List.of(LEAST_DELAY, Collections.min(List.of(delay, MOST_DELAY))));
    return Durations.fromNanos((long) (asked.toNanos() * (1 + JITTER * chance.nextDouble())));
  }

  private static boolean canBeWaitedOut(Fault fault) {
    return fault == Fault.OVERLOADED || fault == Fault.DEPENDENCY_DOWN;
  }

  /**
   * What a request said may stand in a message, however long it was; a client takes 8 KiB of
   * trailers and breaks the call off if there are more, so that it would not learn what was wrong.
   */
  private static String shortened(String text, int mostBytes) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      bytes += encodedBytes(text.charAt(i));
      if (bytes > mostBytes) {
        int end = i > 0 && Character.isHighSurrogate(text.charAt(i - 1)) ? i - 1 : i;
        return text.substring(0, end) + "…";
      }
    }
    return text;
  }

  /** As a status message is written: printable ASCII but for the percent sign as it is. */
  private static int encodedBytes(char c) {
    if (c >= 0x80) {
      return MOST_BYTES * ESCAPED_BYTES;
    }
    return c >= ' ' && c < '~' && c != '%' ? 1 : ESCAPED_BYTES;
  }

  private static Judgement ended(Context context) {
    io.grpc.Deadline deadline = context.getDeadline();
    Status status =
        deadline != null && deadline.isExpired()
            ? Status.DEADLINE_EXCEEDED.withDescription("the caller's deadline passed")
            : Status.CANCELLED.withDescription("the caller left");
    return new Judgement(status.asRuntimeException(), Level.DEBUG, null);
  }

  private static Status.Code code(Fault fault) {
    return switch (fault) {
      case MALFORMED_REQUEST -> Status.Code.INVALID_ARGUMENT;
      case UNKNOWN_MODEL, UNKNOWN_RESOURCE -> Status.Code.NOT_FOUND;
      case ALREADY_EXISTS -> Status.Code.ALREADY_EXISTS;
      case VERSION_CONFLICT -> Status.Code.ABORTED;
      case UNAUTHENTICATED -> Status.Code.UNAUTHENTICATED;
      case FORBIDDEN -> Status.Code.PERMISSION_DENIED;
      case SAFETY_GATE_CLOSED, PRECONDITION_FAILED -> Status.Code.FAILED_PRECONDITION;
      case OVERLOADED -> Status.Code.RESOURCE_EXHAUSTED;
      case MODEL_LOADING, DEPENDENCY_DOWN -> Status.Code.UNAVAILABLE;
      case TIMED_OUT ->
          Status.Code.UNAVAILABLE; // as Triton has it; a call's own deadline is another
      case DEPENDENCY_BROKEN -> Status.Code.INTERNAL;
      case CORRUPT_WEIGHTS -> Status.Code.DATA_LOSS;
      case NOT_IMPLEMENTED -> Status.Code.UNIMPLEMENTED;
    };
  }

  private static Level level(Fault fault) {
    return switch (fault) {
      case OVERLOADED -> Level.TRACE;
      case MALFORMED_REQUEST,
          UNKNOWN_MODEL,
          UNKNOWN_RESOURCE,
          ALREADY_EXISTS,
          VERSION_CONFLICT,
          UNAUTHENTICATED,
          PRECONDITION_FAILED,
          TIMED_OUT,
          NOT_IMPLEMENTED ->
          Level.DEBUG;
      case SAFETY_GATE_CLOSED -> Level.INFO;
      case FORBIDDEN, MODEL_LOADING, DEPENDENCY_DOWN -> Level.WARN;
      case DEPENDENCY_BROKEN, CORRUPT_WEIGHTS -> Level.ERROR;
    };
  }

  private static String message(MeshException e) {
    String message = e.getMessage();
    return message == null ? e.fault().name() : message;
  }
}
