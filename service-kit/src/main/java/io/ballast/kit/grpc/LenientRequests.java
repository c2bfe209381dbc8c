package io.ballast.kit.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import io.ballast.kit.error.Fault;
import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.SecurityLevel;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Answers INVALID_ARGUMENT to bytes that are not the message that a method takes, such as text that
 * is not UTF-8, and RESOURCE_EXHAUSTED to a compressed message that unpacks to more than the server
 * takes, which is as far as it is unpacked. grpc-java by itself answers UNKNOWN to both,
 * "Application error processing RPC", and logs it as a failure of the server.
 *
 * <p>To the service such a message looks as if the caller had half-closed: what a stream sent
 * before is answered, then the call ends with the error.
 */
final class LenientRequests {
  private LenientRequests() {}

  /** Returns {@code service}, its requests read leniently. */
  static ServerServiceDefinition of(ServerServiceDefinition service) {
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    service.getMethods().forEach(method -> methods.add(lenient(method)));
    ServiceDescriptor strict = service.getServiceDescriptor();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(strict.getName())
            .setSchemaDescriptor(strict.getSchemaDescriptor()); // reflection reads it
    methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder lenient = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(lenient::addMethod);
    return lenient.build();
  }

  /** Why bytes are no request. */
  private record Flaw(Status.Code code, String words) {}

  /** A request, or why its bytes are none. */
  private record Read<Q>(@Nullable Q message, @Nullable Flaw flaw) {}

  private static <Q, A> ServerMethodDefinition<Read<Q>, A> lenient(
      ServerMethodDefinition<Q, A> method) {
    MethodDescriptor<Q, A> strict = method.getMethodDescriptor();
    ServerCallHandler<Q, A> handler = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        strict.toBuilder(
                new LenientMarshaller<>(strict.getRequestMarshaller()),
                strict.getResponseMarshaller())
            .build(),
        (call, headers) -> {
          StrictCall<Q, A> strictCall = new StrictCall<>(call, strict);
          return new Reader<>(strictCall, handler.startCall(strictCall, headers));
        });
  }

  private record LenientMarshaller<Q>(MethodDescriptor.Marshaller<Q> strict)
      implements MethodDescriptor.Marshaller<Read<Q>> {
    @Override
    public InputStream stream(Read<Q> read) {
      throw new UnsupportedOperationException("a server sends no requests");
    }

    @Override
    public Read<Q> parse(InputStream bytes) {
      try {
        return new Read<>(strict.parse(bytes), null);
      } catch (StatusRuntimeException e) {
        if (e.getCause() instanceof InvalidProtocolBufferException flaw) {
          return new Read<>(
              null, new Flaw(Status.Code.INVALID_ARGUMENT, String.valueOf(flaw.getMessage())));
        }
        if (PeerFaults.tooLarge(e.getStatus())) {
          return new Read<>(
              null,
              new Flaw(e.getStatus().getCode(), String.valueOf(e.getStatus().getDescription())));
        }
        throw e;
      }
    }
  }

  /** Hands on what can be read; what cannot ends the caller's half. */
  private static final class Reader<Q, A> extends ServerCall.Listener<Read<Q>> {
    private final StrictCall<Q, A> call;
    private final ServerCall.Listener<Q> next;

    Reader(StrictCall<Q, A> call, ServerCall.Listener<Q> next) {
      this.call = call;
      this.next = next;
    }

    @Override
    public void onMessage(Read<Q> read) {
      if (call.isRefused()) {
        return;
      }
      Q message = read.message();
      if (message != null) {
        next.onMessage(message);
        return;
      }
      call.refuse(Objects.requireNonNull(read.flaw(), "there is no message"));
      next.onHalfClose();
    }

    @Override
    public void onHalfClose() {
      if (!call.isRefused()) {
        next.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      next.onCancel();
    }

    @Override
    public void onComplete() {
      next.onComplete();
    }

    @Override
    public void onReady() {
      next.onReady();
    }
  }

  /** The call as the service sees it; however it ends, a refused one ends with the refusal. */
  private static final class StrictCall<Q, A> extends ServerCall<Q, A> {
    private final ServerCall<Read<Q>, A> call;
    private final MethodDescriptor<Q, A> method;
    private volatile @Nullable StatusException refusal;

    StrictCall(ServerCall<Read<Q>, A> call, MethodDescriptor<Q, A> method) {
      this.call = call;
      this.method = method;
    }

    boolean isRefused() {
      return refusal != null;
    }

    void refuse(Flaw flaw) {
      String message =
          "the request is not a %s: %s"
              .formatted(typeOf(method.getRequestMarshaller()), flaw.words());
      refusal =
          StatusProto.toStatusException(
              com.google.rpc.Status.newBuilder()
                  .setCode(flaw.code().value())
                  .setMessage(message)
                  .addDetails(
                      Any.pack(
                          ErrorInfo.newBuilder()
                              .setReason(Fault.MALFORMED_REQUEST.name())
                              .setDomain(String.valueOf(method.getServiceName()))
                              .putMetadata("flaw", flaw.words())
                              .build()))
                  .build());
    }

    private static String typeOf(MethodDescriptor.Marshaller<?> marshaller) {
      return marshaller instanceof PrototypeMarshaller<?> known
              && known.getMessagePrototype() instanceof Message prototype
          ? prototype.getDescriptorForType().getFullName()
          : "message of this method";
    }

    @Override
    public void close(Status status, Metadata trailers) {
      StatusException refused = refusal;
      if (refused == null) {
        call.close(status, trailers);
        return;
      }
      Metadata details = new Metadata(); // a call takes over what it is closed with
      details.merge(Objects.requireNonNull(refused.getTrailers()));
      call.close(refused.getStatus(), details);
    }

    @Override
    public void request(int count) {
      call.request(count);
    }

    @Override
    public void sendHeaders(Metadata headers) {
      call.sendHeaders(headers);
    }

    @Override
    public void sendMessage(A message) {
      call.sendMessage(message);
    }

    @Override
    public boolean isReady() {
      return call.isReady();
    }

    @Override
    public boolean isCancelled() {
      return call.isCancelled();
    }

    @Override
    public void setMessageCompression(boolean enabled) {
      call.setMessageCompression(enabled);
    }

    @Override
    public void setCompression(String compressor) {
      call.setCompression(compressor);
    }

    @Override
    public void setOnReadyThreshold(int bytes) {
      call.setOnReadyThreshold(bytes);
    }

    @Override
    public SecurityLevel getSecurityLevel() {
      return call.getSecurityLevel();
    }

    @Override
    public Attributes getAttributes() {
      return call.getAttributes();
    }

    @Override
    public @Nullable String getAuthority() {
      return call.getAuthority();
    }

    @Override
    public MethodDescriptor<Q, A> getMethodDescriptor() {
      return method;
    }
  }
}
