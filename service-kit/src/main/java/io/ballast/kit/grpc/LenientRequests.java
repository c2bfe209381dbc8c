package io.ballast.kit.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.rpc.ErrorInfo;
import io.ballast.kit.error.Fault;
import io.grpc.Attributes;
import io.grpc.KnownLength;
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
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.EOFException;
import java.io.IOException;
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
 * <p>A message is weighed before its objects are made: one that would take too much memory is
 * RESOURCE_EXHAUSTED, and so is one for which there is no room among the {@link HeldRequests}.
 * Fields that its type does not have are not kept.
 *
 * <p>To the service such a message looks as if the caller had half-closed: what a stream sent
 * before is answered, then the call ends with the error.
 */
final class LenientRequests {
  /** A packed message is unpacked in such parts. */
  private static final int PART_BYTES = 16 << 10;

  /** While its parts are put together, it is there twice. */
  private static final int GROWTH = 2;

  private LenientRequests() {}

  /** Returns {@code service}, its requests read leniently, and held among {@code requests}. */
  static ServerServiceDefinition of(ServerServiceDefinition service, HeldRequests requests) {
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    service.getMethods().forEach(method -> methods.add(lenient(method, requests)));
    ServiceDescriptor strict = service.getServiceDescriptor();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(strict.getName())
            .setSchemaDescriptor(strict.getSchemaDescriptor()); // reflection reads it
    methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder lenient = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(lenient::addMethod);
    return lenient.build();
  }

  /** A request, or why there is none. */
  private record Read<Q>(@Nullable Q message, @Nullable StatusRuntimeException refusal) {}

  private static <Q, A> ServerMethodDefinition<Read<Q>, A> lenient(
      ServerMethodDefinition<Q, A> method, HeldRequests requests) {
    MethodDescriptor<Q, A> strict = method.getMethodDescriptor();
    ServerCallHandler<Q, A> handler = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        strict.toBuilder(LenientMarshaller.of(strict, requests), strict.getResponseMarshaller())
            .build(),
        (call, headers) -> {
          StrictCall<Q, A> strictCall = new StrictCall<>(call, strict);
          return new Reader<>(strictCall, handler.startCall(strictCall, headers));
        });
  }

  /**
   * Reads requests.
   *
   * @param method by its full name
   * @param type what its messages are called
   * @param inside reads what a caller in this process has handed over: the very message
   * @param parser of messages without the fields that they do not have
   */
  private record LenientMarshaller<Q>(
      String method,
      String type,
      MethodDescriptor.Marshaller<Q> inside,
      Parser<Q> parser,
      MessageWeight weight,
      HeldRequests requests)
      implements MethodDescriptor.Marshaller<Read<Q>> {
    /**
     * @throws IllegalArgumentException if the method takes anything else than messages of protobuf
     */
    static <Q> LenientMarshaller<Q> of(MethodDescriptor<Q, ?> method, HeldRequests requests) {
      if (method.getRequestMarshaller() instanceof PrototypeMarshaller<Q> known
          && known.getMessagePrototype() instanceof Message prototype) {
        @SuppressWarnings("unchecked") // a message's parser gives messages of its own class
        Parser<Q> parser =
            (Parser<Q>) DiscardUnknownFieldsParser.wrap(prototype.getParserForType());
        return new LenientMarshaller<>(
            method.getFullMethodName(),
            prototype.getDescriptorForType().getFullName(),
            known,
            parser,
            MessageWeight.of(prototype.getDescriptorForType()),
            requests);
      }
      throw new IllegalArgumentException(method.getFullMethodName() + ": no messages of protobuf");
    }

    @Override
    public InputStream stream(Read<Q> read) {
      throw new UnsupportedOperationException("a server sends no requests");
    }

    @Override
    public Read<Q> parse(InputStream bytes) {
      HeldRequest held = HeldRequest.current();
      if (held == null) {
        return handedOver(bytes);
      }
      StatusRuntimeException ended = held.ended();
      if (ended != null) {
        return new Read<>(null, ended);
      }
      try {
        byte[] message = all(bytes, held);
        held.whole(message.length);
        long most = requests.mostOfMessage() - message.length;
        long objects = weight.of(message, most);
        if (objects > most) {
          return new Read<>(null, requests.tooHeavy(method));
        }
        if (!held.objects(objects)) {
          return new Read<>(null, held.full());
        }
        try {
          return new Read<>(parser.parseFrom(message), null);
        } catch (InvalidProtocolBufferException e) {
          held.delivered();
          throw e;
        }
      } catch (InvalidProtocolBufferException e) {
        return flawed(Status.Code.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
      } catch (IOException e) {
        return flawed(Status.Code.INVALID_ARGUMENT, "its bytes cannot be unpacked");
      } catch (StatusRuntimeException e) {
        if (PeerFaults.tooLarge(e.getStatus())) {
          return flawed(e.getStatus().getCode(), String.valueOf(e.getStatus().getDescription()));
        }
        return new Read<>(null, e);
      } finally {
        held.read();
      }
    }

    /** It is there already, and takes no memory but its caller's. */
    private Read<Q> handedOver(InputStream message) {
      try {
        return new Read<>(inside.parse(message), null);
      } catch (StatusRuntimeException e) {
        if (e.getCause() instanceof InvalidProtocolBufferException flaw) {
          return flawed(Status.Code.INVALID_ARGUMENT, String.valueOf(flaw.getMessage()));
        }
        return new Read<>(null, e);
      }
    }

    /** Unpacks the message, if it is packed, as far as there is room for it. */
    private byte[] all(InputStream bytes, HeldRequest held) throws IOException {
      if (bytes instanceof KnownLength) {
        int length = bytes.available();
        require(held.unread(length), held);
        byte[] message = new byte[length]; // readNBytes(length) would make it of parts
        int came = bytes.readNBytes(message, 0, length);
        if (came < length) {
          throw new EOFException("%,d bytes of %,d".formatted(came, length));
        }
        return message;
      }
      List<byte[]> parts = new ArrayList<>();
      int length = 0;
      for (byte[] part = bytes.readNBytes(PART_BYTES);
          part.length > 0;
          part = bytes.readNBytes(PART_BYTES)) {
        length += part.length;
        require(held.unread((long) GROWTH * length), held);
        parts.add(part);
      }
      return parts.size() == 1 ? parts.getFirst() : joined(parts, length);
    }

    private static byte[] joined(List<byte[]> parts, int length) {
      byte[] whole = new byte[length];
      int at = 0;
      for (byte[] part : parts) {
        System.arraycopy(part, 0, whole, at, part.length);
        at += part.length;
      }
      return whole;
    }

    private static void require(boolean room, HeldRequest held) {
      if (!room) {
        throw held.full();
      }
    }

    private Read<Q> flawed(Status.Code code, String flaw) {
      return new Read<>(
          null,
          malformed(
              code,
              String.valueOf(MethodDescriptor.extractFullServiceName(method)),
              flaw,
              "the request is not a %s: %s".formatted(type, flaw)));
    }
  }

  /** Why bytes are no request, said in {@code message}. */
  static StatusRuntimeException malformed(
      Status.Code code, String service, String flaw, String message) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage(message)
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(Fault.MALFORMED_REQUEST.name())
                        .setDomain(service)
                        .putMetadata("flaw", flaw)
                        .build()))
            .build());
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
      if (message == null) {
        call.refuse(Objects.requireNonNull(read.refusal(), "there is no message"));
        next.onHalfClose();
        return;
      }
      next.onMessage(message);
      HeldRequest held = HeldRequest.current();
      if (held != null && !call.getMethodDescriptor().getType().clientSendsOneMessage()) {
        held.delivered();
      }
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
    private volatile @Nullable StatusRuntimeException refusal;

    StrictCall(ServerCall<Read<Q>, A> call, MethodDescriptor<Q, A> method) {
      this.call = call;
      this.method = method;
    }

    boolean isRefused() {
      return refusal != null;
    }

    void refuse(StatusRuntimeException why) {
      refusal = why;
    }

    @Override
    public void close(Status status, Metadata trailers) {
      StatusRuntimeException refused = refusal;
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
