package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;

/**
 * Bounds the memory that all requests of a server take at once: each call takes some, its messages
 * take theirs as they come, byte by byte, and their objects before they are made. What finds no
 * room is refused for load. A tenant, whoever is of none, or an address where nobody is asked who
 * they are, may have what it leaves free: none keeps the others out. Servers of the mesh have room
 * of their own, half as much: what they ask is part of calls that have found room; within a process
 * nothing is written, and nothing counts. RPCs for which nobody shows anything have room of their
 * own, too, a quarter as much, shared out by address: they keep no known caller out. Thread-safe.
 */
final class HeldRequests extends ServerStreamTracer.Factory implements ServerInterceptor {
  /** Of a message to a service of gRPC's own: the names of services are short. */
  static final int MOST_SMALL_BYTES = 4_096;

  /** What a call takes beside its messages. */
  static final int CALL_BYTES = 4_096;

  private static final String HELD = "held_bytes";
  private static final String LARGE = "too_large";
  private static final int SHARE_OF_PEERS = 2;
  private static final int SHARE_OF_ANYBODY = 4;

  private final Shares callers;
  private final Shares peers;
  private final Shares anybody;
  private final Counter full;
  private final Counter large;

  /**
   * @param most bytes of known callers' requests at once, ≥ 1
   */
  HeldRequests(long most, MeterRegistry meters) {
    callers = room("callers", new Shares(most, true), meters);
    peers = room("peers", new Shares(most / SHARE_OF_PEERS, false), meters);
    anybody = room("anybody", new Shares(most / SHARE_OF_ANYBODY, true), meters);
    full = refused(HELD, meters);
    large = refused(LARGE, meters);
  }

  private static Shares room(String of, Shares room, MeterRegistry meters) {
    Gauge.builder("ballast.requests.held.bytes", room, Shares::held)
        .description("Memory that requests of callers over gRPC take")
        .tag("of", of)
        .strongReference(true)
        .register(meters);
    Gauge.builder("ballast.requests.held.limit.bytes", room, Shares::most)
        .description("The most memory that requests may take at once")
        .tag("of", of)
        .strongReference(true)
        .register(meters);
    return room;
  }

  private static Counter refused(String reason, MeterRegistry meters) {
    return Counter.builder("ballast.requests.refused")
        .description("Requests that were refused for the memory that they would take")
        .tag("reason", reason)
        .register(meters);
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
    return new HeldRequest(this, method, mostBytes(method));
  }

  private static long mostBytes(String method) {
    return method.startsWith("grpc.") ? MOST_SMALL_BYTES : Long.MAX_VALUE;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    HeldRequest request = HeldRequest.current();
    if (request != null) {
      Shares room = room(call.getMethodDescriptor().getFullMethodName(), headers);
      if (!request.enter(room, owner(room, call), CALL_BYTES, oneMessage(call))) {
        Doorkeeper.refuse(call, overloaded(room.most()));
        return new ServerCall.Listener<>() {};
      }
    }
    return next.startCall(call, headers);
  }

  private static boolean oneMessage(ServerCall<?, ?> call) {
    return call.getMethodDescriptor().getType().clientSendsOneMessage();
  }

  private Shares room(String method, Metadata headers) {
    if (RpcAccess.isPublic(method)) {
      return anybody;
    }
    boolean peer =
        headers.containsKey(DrainGate.PROCESS)
            && Principals.current()
                .filter(known -> known.rights().contains(Right.PEER))
                .isPresent();
    return peer ? peers : callers;
  }

  /** Whose share of {@code room} a call takes. */
  private String owner(Shares room, ServerCall<?, ?> call) {
    if (room == peers) {
      return "";
    }
    return Principals.current()
        .map(known -> known.tenant().orElseGet(known::name))
        .orElseGet(
            () -> Doorkeeper.from(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)));
  }

  /** What one message may take, its bytes and its objects together: with its call half of all. */
  long mostOfMessage() {
    return callers.most() / 2 - CALL_BYTES;
  }

  /** Counts a request for which there is no room among {@code limit} bytes, and says so. */
  StatusRuntimeException full(String method, long limit) {
    return new StatusMapper(service(method)).judge(overloaded(limit), Context.ROOT).answer();
  }

  private MeshException overloaded(long limit) {
    full.increment();
    return new MeshException(
        Fault.OVERLOADED,
        "requests take as much memory as they may, of %,d bytes what is free at most; slow down"
            .formatted(limit),
        Map.of("limit", Long.toString(limit), MeshException.SHED, HELD));
  }

  /** Counts a message that is too large whenever it comes, and says so. */
  StatusRuntimeException tooLarge(String method, long most) {
    large.increment();
    return tooLarge(method, "gRPC message exceeds maximum size " + most);
  }

  /** Counts a message whose objects are too large, and says so. */
  StatusRuntimeException tooHeavy(String method) {
    large.increment();
    return tooLarge(
        method,
        "with its fields as objects the message exceeds maximum size %,d in memory"
            .formatted(mostOfMessage()));
  }

  private static StatusRuntimeException tooLarge(String method, String words) {
    return LenientRequests.malformed(Status.Code.RESOURCE_EXHAUSTED, service(method), words, words);
  }

  private static String service(String method) {
    return String.valueOf(MethodDescriptor.extractFullServiceName(method));
  }
}
