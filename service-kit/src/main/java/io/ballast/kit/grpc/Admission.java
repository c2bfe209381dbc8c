package io.ballast.kit.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.AdaptiveLimit;
import io.ballast.kit.security.Principal;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.safety.v1.CostRequest;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Admits the calls of a service for which a model works, as many of each lane as its limit says,
 * and counts whatever of the service is refused for load, by whom and in which lane. A call takes
 * its place when its request is whole, which is when its service begins: whoever sends a message
 * and never says that it was the last keeps nobody out. A stream of requests is not limited: it may
 * be open all day and ask for nothing, and what it asks for is refused by the queues, request by
 * request.
 */
final class Admission implements ServerInterceptor {
  /** Why calls for which a model works are refused; docs/operations/overload.md says each. */
  private static final List<String> REASONS =
      List.of("concurrency_limit", "max_calls", "queue_time", "queue_full");

  private final String server;
  private final Optional<AdaptiveLimit> limit;
  private final MeterRegistry meters;

  /**
   * @param server its name in metrics, such as {@code policy}
   * @param limit empty: all are admitted
   */
  Admission(String server, Optional<AdaptiveLimit> limit, MeterRegistry meters) {
    this.server = server;
    this.limit = limit;
    this.meters = meters;
    // there from the start, at 0: what first appears at 1 has no increase to alert on
    for (Lane lane : Lane.values()) {
      REASONS.forEach(reason -> shed(lane, reason));
    }
  }

  /** The server that a service is of, such as {@code policy} of {@code ballast.policy.v1.…}. */
  static String serverOf(String service) {
    String[] parts = service.split("\\.", 3);
    return parts[0].equals("ballast") && parts.length > 1 ? parts[1] : parts[0];
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    CallWait wait = new CallWait();
    Admitted<Q, A> admitted = new Admitted<>(call, wait, Principals.current());
    return new Requests<>(
        Contexts.interceptCall(wait.in(Context.current()), admitted, headers, next), admitted);
  }

  /**
   * The lane that a request asks for, for which a model works; empty for any other, which is not
   * limited: it does not compete for what the limit protects.
   */
  static Optional<Lane> laneOf(Object request) {
    return switch (request) {
      case SuggestRequest r -> Optional.of(lane(r.getMetadata()));
      case SuggestStreamRequest r -> Optional.of(lane(r.getRequest().getMetadata()));
      case SampleRequest r -> Optional.of(lane(r.getMetadata()));
      case LogProbsRequest r -> Optional.of(lane(r.getMetadata()));
      case ScoreRequest r -> Optional.of(lane(r.getMetadata()));
      case CompareRequest r -> Optional.of(lane(r.getMetadata()));
      case EstimateBestOfNRequest r -> Optional.of(lane(r.getMetadata()));
      case CostRequest r -> Optional.of(lane(r.getMetadata()));
      case ModelInferRequest r -> Optional.of(lane(r));
      default -> Optional.empty();
    };
  }

  private static Lane lane(RequestMetadata metadata) {
    return MeshMessages.lane(metadata.getPriority());
  }

  /** KServe has no lanes; the parameter {@code priority} is read as Triton reads it. */
  private static Lane lane(ModelInferRequest request) {
    InferParameter priority =
        request.getParametersOrDefault("priority", InferParameter.getDefaultInstance());
    long value = priority.hasUint64Param() ? priority.getUint64Param() : priority.getInt64Param();
    return value == 2 ? Lane.TRAINER : value == 3 ? Lane.BATCH : Lane.INTERACTIVE;
  }

  /** A call whose place is given back when it ends, however that is. */
  private final class Admitted<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final CallWait wait;
    private final Optional<Principal> caller;
    private volatile AdaptiveLimit.@Nullable Permit permit;
    private volatile @Nullable Lane lane;

    Admitted(ServerCall<Q, A> call, CallWait wait, Optional<Principal> caller) {
      super(call);
      this.wait = wait;
      this.caller = caller;
    }

    /** Notes the lane of the request of a call that is limited. */
    void asked(Q request) {
      if (lane == null && getMethodDescriptor().getType().clientSendsOneMessage()) {
        lane =
            laneOf(request)
                .map(named -> caller.map(known -> known.laneOf(named)).orElse(named))
                .orElse(null);
      }
    }

    /** Whether the call may go on, now that its request is whole; one that is refused has ended. */
    boolean admit() {
      Lane asked = lane;
      if (asked == null || limit.isEmpty()) {
        return true; // not limited
      }
      try {
        permit = limit.get().acquire(asked);
        return true;
      } catch (MeshException e) {
        Doorkeeper.refuse(this, e);
        return false;
      }
    }

    void end() {
      AdaptiveLimit.Permit held = permit;
      if (held != null) {
        held.end(wait.whole());
        wait.afterwards(held::waited);
      }
    }

    @Override
    public void close(Status status, Metadata trailers) {
      end();
      if (status.getCode() == Status.Code.RESOURCE_EXHAUSTED) {
        shed(lane, reason(status, trailers)).increment();
      }
      super.close(status, trailers);
    }
  }

  /** Hands on the end of a request that is admitted; the service begins with that. */
  private static final class Requests<Q, A> extends SimpleForwardingServerCallListener<Q> {
    private final Admission.Admitted<Q, A> call;

    Requests(ServerCall.Listener<Q> next, Admission.Admitted<Q, A> call) {
      super(next);
      this.call = call;
    }

    @Override
    public void onMessage(Q request) {
      call.asked(request);
      super.onMessage(request);
    }

    @Override
    public void onHalfClose() {
      if (call.admit()) {
        super.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      call.end();
      super.onCancel();
    }

    @Override
    public void onComplete() {
      call.end(); // a service that threw has not closed its call
      super.onComplete();
    }
  }

  private Counter shed(@Nullable Lane lane, String reason) {
    return Counter.builder("ballast.shed")
        .description("Calls that were refused for load")
        .tag("server", server)
        .tag("lane", lane == null ? "none" : lane.name().toLowerCase(Locale.ROOT))
        .tag("reason", reason)
        .register(meters);
  }

  /** What refused a call, in a word: one of a few, whatever the call was. */
  static String reason(Status status, Metadata trailers) {
    com.google.rpc.Status told = StatusProto.fromStatusAndTrailers(status, trailers);
    for (Any detail : told.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return detail.unpack(ErrorInfo.class).getMetadataOrDefault(MeshException.SHED, "other");
        } catch (InvalidProtocolBufferException e) {
          return "other"; // nobody of ours wrote it
        }
      }
    }
    return "other";
  }
}
