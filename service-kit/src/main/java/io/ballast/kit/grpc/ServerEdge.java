package io.ballast.kit.grpc;

import io.ballast.kit.security.Principal;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The interceptors that every call to a server passes. */
final class ServerEdge {
  private static final Logger ACCESS = LoggerFactory.getLogger("io.ballast.access");

  /** Latencies that objectives are stated in: each is a bucket's own bound. */
  private static final Duration[] OBJECTIVES = {
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5)
  };

  static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private ServerEdge() {}

  /** Gives each call its id: the header's if it is a valid one, or a new one; answers with it. */
  static ServerInterceptor requestId(Supplier<String> newRequestId) {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String asked = headers.get(CallIdentity.HEADER);
        CallIdentity identity =
            new CallIdentity(
                asked != null && RequestContexts.isRequestId(asked) ? asked : newRequestId.get());
        ServerCall<Q, A> named =
            new SimpleForwardingServerCall<>(call) {
              @Override
              public void close(Status status, Metadata trailers) {
                trailers.discardAll(CallIdentity.HEADER);
                trailers.put(CallIdentity.HEADER, identity.requestId());
                super.close(status, trailers);
              }
            };
        return Contexts.interceptCall(identity.in(Context.current()), named, headers, next);
      }
    };
  }

  /** Refuses a call whose deadline leaves less than {@code floor}: it could not be answered. */
  static ServerInterceptor deadlineFloor(Duration floor, RefusedCalls refused) {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        Deadline deadline = Context.current().getDeadline();
        if (deadline != null && deadline.timeRemaining(TimeUnit.NANOSECONDS) < floor.toNanos()) {
          String why =
              "the deadline leaves less than "
                  + floor.toMillis()
                  + " ms, too short to begin; nothing was done";
          refused.count(RefusedCalls.DEADLINE_FLOOR, call, CallIdentity.current(), why);
          call.close(Status.DEADLINE_EXCEEDED.withDescription(why), new Metadata());
          return new ServerCall.Listener<>() {};
        }
        return next.startCall(call, headers);
      }
    };
  }

  /**
   * Times and counts each call by method and code, writes the access log at debug, and has the log
   * told of those that are refused, and of what is refused within them.
   */
  static ServerInterceptor metrics(
      MeterRegistry meters, LongSupplier nanoTime, RefusedCalls refused) {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        long start = nanoTime.getAsLong();
        String method = call.getMethodDescriptor().getFullMethodName();
        CallIdentity identity = CallIdentity.current();
        ServerCall<Q, A> measured =
            new SimpleForwardingServerCall<>(call) {
              @Override
              public void sendMessage(A answer) {
                refused.answers(call, identity, answer);
                super.sendMessage(answer);
              }

              @Override
              public void close(Status status, Metadata trailers) {
                long nanos = nanoTime.getAsLong() - start;
                String code = status.getCode().name();
                Timer.builder("ballast.server.calls")
                    .description("Calls answered, by method and code")
                    .tag("method", method)
                    .tag("code", code)
                    .publishPercentileHistogram()
                    .serviceLevelObjectives(OBJECTIVES)
                    .register(meters)
                    .record(nanos, TimeUnit.NANOSECONDS);
                ACCESS
                    .atDebug()
                    .addKeyValue("request_id", identity == null ? "-" : identity.requestId())
                    .addKeyValue("principal", principal(identity))
                    .addKeyValue("tenant", tenant(identity))
                    .addKeyValue("method", method)
                    .addKeyValue("code", code)
                    .addKeyValue("duration_us", nanos / 1000)
                    .log("call answered");
                refused.ended(call, identity, status, trailers);
                super.close(status, trailers);
              }
            };
        return next.startCall(measured, headers);
      }
    };
  }

  private static String principal(@Nullable CallIdentity identity) {
    return identity == null ? "-" : identity.principal().map(Principal::name).orElse("-");
  }

  private static String tenant(@Nullable CallIdentity identity) {
    String tenant = identity == null ? null : identity.tenant();
    return tenant == null ? "-" : tenant;
  }
}
