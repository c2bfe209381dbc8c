package io.ballast.kit.grpc;

import io.ballast.kit.call.Texts;
import io.ballast.kit.security.Principal;
import io.ballast.kit.telemetry.BoundedNames;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the log who is refused and why. The first call of a reason, method and tenant is told at
 * once, those that follow are counted and told together, one line a minute at most, so that a flood
 * does not fill the disk. Thread-safe.
 */
final class RefusedCalls implements AutoCloseable {
  static final String LOGGER = "io.ballast.refused";

  /** So many reasons, methods and tenants are told apart; of all others, the reasons alone. */
  static final int MOST_KINDS = 100;

  /** Between two lines of a kind; one of which nothing comes for so long is forgotten. */
  static final Duration PERIOD = Duration.ofMinutes(1);

  static final String DEADLINE_FLOOR = "deadline_floor";
  static final String STREAM_ITEM = "stream_item";

  private static final Logger LOG = LoggerFactory.getLogger(LOGGER);
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);
  private static final int SHOWN_NAME = 160;
  private static final int SHOWN_MESSAGE = 400;

  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Kind, Tally> tallies = new HashMap<>();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("refused-calls").factory());

  RefusedCalls(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Tells by itself, from now on, what is due. */
  void start() {
    long nanos = BETWEEN_LOOKS.toNanos();
    var unused = thread.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** What is told together. */
  record Kind(String reason, String method, String tenant) {}

  /** One of the calls, for whoever looks for the others. */
  record Example(String principal, String from, String requestId, String message) {}

  /** Calls of a kind since they were told. */
  private static final class Tally {
    private long toldNanos;
    private long untold;
    private Example last;

    Tally(long nowNanos, Example first) {
      toldNanos = nowNanos;
      last = first;
    }
  }

  private record Line(Kind kind, long calls, long seconds, Example last) {}

  /**
   * Looks at how a call ended, and counts it if it was refused: for load, by a limit, or for want
   * of an identity or a right.
   */
  void ended(
      ServerCall<?, ?> call, @Nullable CallIdentity identity, Status status, Metadata trailers) {
    reason(status, trailers)
        .ifPresent(
            reason -> count(reason, call, identity, String.valueOf(status.getDescription())));
  }

  /**
   * Looks at what a call answers, and counts an item of a stream that is refused for load. What the
   * item is told is not shown: another server may have said it, with words of a prompt.
   */
  void answers(ServerCall<?, ?> call, @Nullable CallIdentity identity, Object answer) {
    if (answer instanceof ScoreStreamResponse item
        && item.getResult().getFailure().getReason() == FailureReason.FAILURE_REASON_OVERLOADED) {
      count(STREAM_ITEM, call, identity, "an item of the stream, for load; its answer says why");
    }
  }

  /** Counts a call that is refused. */
  void count(
      String reason, ServerCall<?, ?> call, @Nullable CallIdentity identity, String message) {
    String from = Doorkeeper.from(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
    String tenant = identity == null ? null : identity.tenant();
    count(
        new Kind(
            reason, call.getMethodDescriptor().getFullMethodName(), tenant == null ? "-" : tenant),
        new Example(
            identity == null
                ? "-"
                : identity
                    .principal()
                    .map(Principal::name)
                    .map(name -> Texts.asLine(name, SHOWN_NAME))
                    .orElse("-"),
            from.isEmpty() ? "-" : from,
            identity == null ? "-" : identity.requestId(),
            Texts.asLine(message, SHOWN_MESSAGE)));
  }

  void count(Kind kind, Example example) {
    long now = nanoTime.getAsLong();
    Line due = null;
    lock.lock();
    try {
      Kind counted =
          tallies.containsKey(kind) || tallies.size() < MOST_KINDS
              ? kind
              : new Kind(kind.reason(), BoundedNames.OTHER, BoundedNames.OTHER);
      Tally tally = tallies.get(counted);
      if (tally == null) {
        tallies.put(counted, new Tally(now, example));
        due = new Line(counted, 1, 0, example);
      } else {
        tally.untold++;
        tally.last = example;
        if (isDue(tally, now)) {
          due = line(counted, tally, now);
        }
      }
    } finally {
      lock.unlock();
    }
    if (due != null) {
      log(due);
    }
  }

  /** Tells what is due, and forgets what has come to an end. */
  void look() {
    long now = nanoTime.getAsLong();
    lock.lock();
    try {
      tallies.values().removeIf(tally -> tally.untold == 0 && isDue(tally, now));
    } finally {
      lock.unlock();
    }
    tell(now, tally -> isDue(tally, now));
  }

  /** Tells what was not told yet. */
  @Override
  public void close() {
    thread.shutdownNow();
    tell(nanoTime.getAsLong(), _ -> true);
  }

  private void tell(long nowNanos, Predicate<Tally> which) {
    List<Line> lines = new ArrayList<>();
    lock.lock();
    try {
      tallies.forEach(
          (kind, tally) -> {
            if (tally.untold > 0 && which.test(tally)) {
              lines.add(line(kind, tally, nowNanos));
            }
          });
    } finally {
      lock.unlock();
    }
    lines.forEach(RefusedCalls::log);
  }

  private static boolean isDue(Tally tally, long nowNanos) {
    return nowNanos - tally.toldNanos >= PERIOD.toNanos();
  }

  private static Line line(Kind kind, Tally tally, long nowNanos) {
    Line line =
        new Line(
            kind,
            tally.untold,
            TimeUnit.NANOSECONDS.toSeconds(nowNanos - tally.toldNanos),
            tally.last);
    tally.untold = 0;
    tally.toldNanos = nowNanos;
    return line;
  }

  private static void log(Line line) {
    LOG.atInfo()
        .addKeyValue("reason", line.kind().reason())
        .addKeyValue("method", line.kind().method())
        .addKeyValue("tenant", line.kind().tenant())
        .addKeyValue("count", line.calls())
        .addKeyValue("seconds", line.seconds())
        .addKeyValue("principal", line.last().principal())
        .addKeyValue("from", line.last().from())
        .addKeyValue("request_id", line.last().requestId())
        .log("refused, the last: {}", line.last().message());
  }

  private static Optional<String> reason(Status status, Metadata trailers) {
    return switch (status.getCode()) {
      case UNAUTHENTICATED -> Optional.of("unauthenticated");
      case PERMISSION_DENIED -> Optional.of("forbidden");
      case RESOURCE_EXHAUSTED -> Optional.of(Admission.reason(status, trailers));
      default -> Optional.empty();
    };
  }
}
