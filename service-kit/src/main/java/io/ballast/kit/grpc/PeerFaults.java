package io.ballast.kit.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.ConnectionFailures;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Judges what a peer answered anew: its code is never passed on. */
public final class PeerFaults {
  private static final Logger LOG = LoggerFactory.getLogger(PeerFaults.class);

  /** Characters of a message in the log. */
  private static final int SHOWN_MESSAGE = 1_024;

  private PeerFaults() {}

  /**
   * Returns what a failed call to {@code peer} means to the caller of this server.
   *
   * <p>Its message is one line and does not tell where the peer stands; the log does, at debug.
   *
   * <p>What the peer says about its own things (no such model, version moved on, gate closed, busy,
   * loading) keeps its {@link Fault}. That it calls our request malformed, or fails in a way nobody
   * foresaw, is a bug: DEPENDENCY_BROKEN. So is a message that is too large for it or for us: it
   * will be as large the next time. That it cannot be reached or is late is DEPENDENCY_DOWN.
   *
   * @param peer its name for the message, such as {@code reward-server}
   * @return a {@link MeshException}, or a status CANCELLED or DEADLINE_EXCEEDED if the current
   *     Context has ended so: then the peer is not to blame
   */
  public static RuntimeException translate(StatusRuntimeException thrown, String peer) {
    Context context = Context.current();
    if (context.isCancelled()) {
      Deadline deadline = context.getDeadline();
      return (deadline != null && deadline.isExpired()
              ? Status.DEADLINE_EXCEEDED.withDescription("the caller's deadline passed")
              : Status.CANCELLED.withDescription("the caller left"))
          .asRuntimeException();
    }
    Status status = thrown.getStatus();
    if (status.getCause() != null || status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
      LOG.debug(
          "{}: {}",
          peer,
          Texts.asLine(String.valueOf(status.getDescription()), SHOWN_MESSAGE),
          status.getCause());
    }
    Map<String, String> when =
        retryDelay(thrown)
            .map(delay -> Map.of(MeshException.RETRY_DELAY, delay.toString()))
            .orElse(Map.of());
    return new MeshException(fault(thrown), peer + ": " + words(status), when, thrown);
  }

  /** When the peer asks to be called again at the earliest; empty if it does not say. */
  public static Optional<Duration> retryDelay(StatusRuntimeException thrown) {
    return detail(thrown, RetryInfo.class)
        .map(RetryInfo::getRetryDelay)
        .filter(Durations::isValid)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
  }

  /**
   * What it says of itself, in a line; or of what happened on the way to it, the kind. A caller may
   * be anybody, and where a peer stands is for the log alone.
   */
  private static String words(Status status) {
    String description = status.getDescription();
    String said = description == null ? "" : description.lines().findFirst().orElse("");
    if (status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
      said = ConnectionFailures.late(said);
    }
    if (said.isBlank()) {
      said = status.getCode().name();
    }
    Throwable cause = status.getCause();
    return cause == null || cause instanceof StatusRuntimeException
        ? said
        : ConnectionFailures.words(said, status.getCode() == Status.Code.UNAVAILABLE, cause);
  }

  private static Fault fault(StatusRuntimeException thrown) {
    Optional<Fault> named = reason(thrown);
    return switch (thrown.getStatus().getCode()) {
      case UNAVAILABLE -> named.orElse(Fault.DEPENDENCY_DOWN);
      case DEADLINE_EXCEEDED, CANCELLED -> Fault.DEPENDENCY_DOWN;
      case RESOURCE_EXHAUSTED ->
          tooLarge(thrown.getStatus()) ? Fault.DEPENDENCY_BROKEN : Fault.OVERLOADED;
      case NOT_FOUND, ALREADY_EXISTS, ABORTED, FAILED_PRECONDITION, DATA_LOSS, UNIMPLEMENTED ->
          named.orElse(Fault.DEPENDENCY_BROKEN);
      case OK,
          INVALID_ARGUMENT,
          OUT_OF_RANGE,
          INTERNAL,
          UNKNOWN,
          PERMISSION_DENIED,
          UNAUTHENTICATED ->
          Fault.DEPENDENCY_BROKEN;
    };
  }

  /**
   * Whether a message was larger than either side takes, which asking again does not mend. gRPC has
   * the code of a busy server for it, so it is known by the words of grpc-java, and of grpc-go and
   * the C core.
   */
  public static boolean tooLarge(Status status) {
    String words = status.getDescription();
    return status.getCode() == Status.Code.RESOURCE_EXHAUSTED
        && words != null
        && (words.contains("exceeds maximum size") || words.contains("larger than max"));
  }

  /** The fault that the peer named in its {@code ErrorInfo}; empty if it is none of ours. */
  public static Optional<Fault> reason(StatusRuntimeException thrown) {
    return errorInfo(thrown)
        .flatMap(
            info ->
                Arrays.stream(Fault.values())
                    .filter(fault -> fault.name().equals(info.getReason()))
                    .findFirst());
  }

  /** What the peer said for machines, if it did. */
  public static Optional<ErrorInfo> errorInfo(StatusRuntimeException thrown) {
    return detail(thrown, ErrorInfo.class);
  }

  private static <T extends Message> Optional<T> detail(
      StatusRuntimeException thrown, Class<T> type) {
    com.google.rpc.Status status = StatusProto.fromThrowable(thrown);
    if (status == null) {
      return Optional.empty();
    }
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          return Optional.empty(); // not our peer's words
        }
      }
    }
    return Optional.empty();
  }
}
