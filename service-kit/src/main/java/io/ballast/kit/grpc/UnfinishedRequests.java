package io.ballast.kit.grpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends calls whose request is one message and does not become whole, and streams of which one
 * message does not: nothing is done for it, but what has come of it is kept in memory. A call whose
 * own deadline is sooner ends by that. Stands inside the {@link DrainGate}, whose calls may be
 * ended while others speak. Thread-safe.
 */
final class UnfinishedRequests implements ServerInterceptor, AutoCloseable {
  /** How long a caller may take to send all of its request, or of a message of its stream. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Logger LOG = LoggerFactory.getLogger(UnfinishedRequests.class);
  private static final String REASON = "unfinished_request";
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(5);

  private final LongSupplier nanoTime;
  private final RefusedCalls refused;
  private final Set<Unfinished> calls = ConcurrentHashMap.newKeySet();
  private final Set<Stream> streams = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("unfinished-requests").factory());

  UnfinishedRequests(LongSupplier nanoTime, RefusedCalls refused) {
    this.nanoTime = nanoTime;
    this.refused = refused;
  }

  /** A call whose caller is not done with its request; whoever takes it out decides its end. */
  private static final class Unfinished {
    private final ServerCall<?, ?> call;
    private final @Nullable CallIdentity identity;
    private final long sinceNanos;

    Unfinished(ServerCall<?, ?> call, @Nullable CallIdentity identity, long sinceNanos) {
      this.call = call;
      this.identity = identity;
      this.sinceNanos = sinceNanos;
    }
  }

  /** A call whose requests are a stream, and which of them had come in part at the last look. */
  private static final class Stream {
    private final ServerCall<?, ?> call;
    private final @Nullable CallIdentity identity;
    private final HeldRequest held;
    private int inPart;
    private long sinceNanos;

    Stream(ServerCall<?, ?> call, @Nullable CallIdentity identity, HeldRequest held) {
      this.call = call;
      this.identity = identity;
      this.held = held;
    }

    /** Whether the same message has been coming for too long. */
    boolean isLate(long now) {
      int before = inPart;
      inPart = held.inPart();
      if (inPart == 0 || inPart != before) {
        sinceNanos = now;
        return false;
      }
      return now - sinceNanos >= PATIENCE.toNanos();
    }
  }

  /** Looks by itself, from now on. */
  void start() {
    long nanos = BETWEEN_LOOKS.toNanos();
    var unused = thread.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (!call.getMethodDescriptor().getType().clientSendsOneMessage()) {
      return watched(call, headers, next);
    }
    Unfinished own = new Unfinished(call, CallIdentity.current(), nanoTime.getAsLong());
    calls.add(own);
    try {
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        @Override
        public void onHalfClose() {
          if (calls.remove(own)) {
            super.onHalfClose();
          }
        }

        @Override
        public void onCancel() {
          calls.remove(own);
          super.onCancel();
        }

        @Override
        public void onComplete() {
          calls.remove(own);
          super.onComplete();
        }
      };
    } catch (RuntimeException | Error e) {
      calls.remove(own);
      throw e;
    }
  }

  private <Q, A> ServerCall.Listener<Q> watched(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    HeldRequest held = HeldRequest.current();
    if (held == null) {
      return next.startCall(call, headers);
    }
    Stream own = new Stream(call, CallIdentity.current(), held);
    streams.add(own);
    try {
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        @Override
        public void onCancel() {
          streams.remove(own);
          super.onCancel();
        }

        @Override
        public void onComplete() {
          streams.remove(own);
          super.onComplete();
        }
      };
    } catch (RuntimeException | Error e) {
      streams.remove(own);
      throw e;
    }
  }

  /** Ends what has been unfinished for too long. */
  void look() {
    long now = nanoTime.getAsLong();
    for (Unfinished each : calls) {
      if (now - each.sinceNanos >= PATIENCE.toNanos() && calls.remove(each)) {
        end(each);
      }
    }
    for (Stream each : streams) {
      if (each.isLate(now) && streams.remove(each)) {
        end(each);
      }
    }
  }

  private void end(Stream late) {
    String why = "a message did not come whole within %d s".formatted(PATIENCE.toSeconds());
    refused.count(REASON, late.call, late.identity, why);
    late.held.end(Status.DEADLINE_EXCEEDED.withDescription(why).asRuntimeException(new Metadata()));
  }

  private void end(Unfinished late) {
    String why =
        "no whole request came within %d s; nothing was done".formatted(PATIENCE.toSeconds());
    refused.count(REASON, late.call, late.identity, why);
    try {
      late.call.close(Status.DEADLINE_EXCEEDED.withDescription(why), new Metadata());
    } catch (RuntimeException e) { // its connection has gone, and with it whoever is to be told
      LOG.debug("a call was over before it could be ended", e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
