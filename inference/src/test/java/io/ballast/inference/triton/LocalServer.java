package io.ballast.inference.triton;

import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInferResponse.InferOutputTensor;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ServerReadyRequest;
import io.ballast.kserve.v2.ServerReadyResponse;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server of one model, {@code m}, that answers X as Y; it lives in this JVM, on a real socket.
 */
final class LocalServer extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase
    implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final AtomicInteger inferences = new AtomicInteger();
  private final Server server;
  private volatile boolean ready = true;

  private LocalServer(String host, int port, Optional<SelfSigned> tls, Optional<String> wanted)
      throws IOException {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(host, port))
            .directExecutor()
            .addService(this);
    if (tls.isPresent()) {
      builder.sslContext(
          GrpcSslContexts.configure(
                  SslContextBuilder.forServer(tls.get().key(), tls.get().certificate()))
              .build());
    }
    wanted.ifPresent(authorization -> builder.intercept(only(authorization)));
    server = builder.build().start();
  }

  static LocalServer start(String host, int port) throws IOException {
    return new LocalServer(host, port, Optional.empty(), Optional.empty());
  }

  static LocalServer encrypted(String host, SelfSigned tls) throws IOException {
    return new LocalServer(host, 0, Optional.of(tls), Optional.empty());
  }

  /** Starts one that answers nobody who does not send {@code authorization}. */
  static LocalServer wanting(String authorization) throws IOException {
    return new LocalServer("127.0.0.1", 0, Optional.empty(), Optional.of(authorization));
  }

  static InferRequest request() {
    return InferRequest.of("m").input(Tensor.floats("X", Requests.ONE, 3)).build();
  }

  int port() {
    return server.getPort();
  }

  /** How many requests it has answered. */
  int inferences() {
    return inferences.get();
  }

  void ready(boolean value) {
    ready = value;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  @Override
  public void serverReady(
      ServerReadyRequest request, StreamObserver<ServerReadyResponse> observer) {
    observer.onNext(ServerReadyResponse.newBuilder().setReady(ready).build());
    observer.onCompleted();
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    TensorMetadata.Builder tensor = TensorMetadata.newBuilder().setDatatype("FP32").addShape(-1);
    observer.onNext(
        ModelMetadataResponse.newBuilder()
            .setName("m")
            .addInputs(tensor.setName("X"))
            .addOutputs(tensor.setName("Y"))
            .build());
    observer.onCompleted();
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    inferences.incrementAndGet();
    observer.onNext(
        ModelInferResponse.newBuilder()
            .setModelName("m")
            .addOutputs(
                InferOutputTensor.newBuilder()
                    .setName("Y")
                    .setDatatype("FP32")
                    .addAllShape(request.getInputs(0).getShapeList()))
            .addRawOutputContents(request.getRawInputContents(0))
            .build());
    observer.onCompleted();
  }

  private static ServerInterceptor only(String authorization) {
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (authorization.equals(headers.get(AUTHORIZATION))) {
          return next.startCall(call, headers);
        }
        call.close(Status.UNAUTHENTICATED.withDescription("who asks?"), new Metadata());
        return new ServerCall.Listener<>() {};
      }
    };
  }
}
