package io.ballast.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelConfigResponse;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInferResponse.InferOutputTensor;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ModelParameter;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelReadyResponse;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLException;

/**
 * A Triton of one exported scoring model, in this JVM, on a real socket. Head k gives a completion
 * of n tokens after a prompt of p the score n + p / 100 + k / 2. It misbehaves as it is told.
 */
public final class FakeTriton extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase
    implements AutoCloseable {
  /** What it does with an inference. */
  public enum Conduct {
    /** Answers. */
    ANSWERS,
    /** Says nothing. */
    SILENT,
    /** One score of each row is not a number. */
    NOT_A_NUMBER,
    /** A score too few in each row. */
    WRONG_SHAPE,
    /** The model raises an exception. */
    RAISES,
    /** Its queue is full. */
    FULL,
    /** It wants to know who asks. */
    FORBIDDEN,
    /** It cannot do inferences. */
    UNSUPPORTED,
    /** It fails in a way that says nothing of the model. */
    FAILS
  }

  private final List<Long> priorities = new CopyOnWriteArrayList<>();
  private final Semaphore left = new Semaphore(0);
  private final Server server;
  private final int port;
  private volatile ModelConfig config;
  private volatile Conduct conduct = Conduct.ANSWERS;
  private volatile boolean loaded = true;

  private FakeTriton(int wanted, ModelConfig config, UnaryOperator<NettyServerBuilder> secured) {
    this.config = config;
    try {
      server =
          secured
              .apply(NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", wanted)))
              .directExecutor()
              .addService(this)
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.port = server.getPort();
  }

  /** Starts one that has the model of a repository's entry, on a free port. */
  public static FakeTriton start(Path entry) {
    return startAt(0, entry);
  }

  /** Starts one on this port. */
  public static FakeTriton startAt(int port, Path entry) {
    return new FakeTriton(port, read(entry), UnaryOperator.identity());
  }

  /** Starts one on a free port that encrypts with {@code key}, whose owner is as certified. */
  public static FakeTriton encrypted(Path entry, PrivateKey key, X509Certificate certificate) {
    try {
      SslContext tls =
          GrpcSslContexts.configure(SslContextBuilder.forServer(key, certificate)).build();
      return new FakeTriton(0, read(entry), builder -> builder.sslContext(tls));
    } catch (SSLException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ModelConfig read(Path entry) {
    try {
      return TextFormat.parse(Files.readString(entry.resolve("config.pbtxt")), ModelConfig.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The score of head {@code head}. */
  public static float score(int head, int promptTokens, int completionTokens) {
    return completionTokens + promptTokens / 100f + head / 2f;
  }

  /** Has its model no more, as after an unload. */
  public void unload() {
    loaded = false;
  }

  /** Has it do so from now on. */
  public void conduct(Conduct value) {
    conduct = value;
  }

  /** Gives a parameter of its configuration another value, as another export would. */
  public void parameter(String name, String value) {
    ModelConfig.Builder changed = config.toBuilder();
    changed.putParameters(name, ModelParameter.newBuilder().setStringValue(value).build());
    config = changed.build();
  }

  /** Takes a parameter out of its configuration, as a build before it was written would have it. */
  public void forget(String parameter) {
    config = config.toBuilder().removeParameters(parameter).build();
  }

  /** The priorities of the inferences so far; 0 for none. */
  public List<Long> priorities() {
    return List.copyOf(priorities);
  }

  /** Waits until one more of the inferences that it keeps silent about has been cancelled. */
  public void awaitLeft() throws InterruptedException {
    left.acquire();
  }

  /** Where it is. */
  public int port() {
    return port;
  }

  /** Where it is: host:port. */
  public String address() {
    return "127.0.0.1:" + port();
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    observer.onNext(ModelReadyResponse.newBuilder().setReady(knows(request.getName())).build());
    observer.onCompleted();
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    if (unknown(request.getName(), observer)) {
      return;
    }
    observer.onNext(ModelConfigResponse.newBuilder().setConfig(config).build());
    observer.onCompleted();
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    if (unknown(request.getName(), observer)) {
      return;
    }
    ModelMetadataResponse.Builder metadata =
        ModelMetadataResponse.newBuilder().setName(config.getName()).setPlatform("python");
    config
        .getInputList()
        .forEach(
            input ->
                metadata.addInputs(
                    tensor(input.getName(), input.getDataType(), input.getDimsList())));
    config
        .getOutputList()
        .forEach(
            output ->
                metadata.addOutputs(
                    tensor(output.getName(), output.getDataType(), output.getDimsList())));
    observer.onNext(metadata.build());
    observer.onCompleted();
  }

  private static TensorMetadata tensor(String name, DataType type, List<Long> dimensions) {
    return TensorMetadata.newBuilder()
        .setName(name)
        .setDatatype(type == DataType.TYPE_INT64 ? "INT64" : "FP32")
        .addShape(-1)
        .addAllShape(dimensions)
        .build();
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    if (unknown(request.getModelName(), observer)) {
      return;
    }
    priorities.add(
        request.getParametersMap().containsKey("priority")
            ? Math.max(
                request.getParametersOrThrow("priority").getInt64Param(),
                request.getParametersOrThrow("priority").getUint64Param())
            : 0);
    switch (conduct) {
      case SILENT ->
          ((ServerCallStreamObserver<ModelInferResponse>) observer)
              .setOnCancelHandler(left::release);
      case RAISES ->
          observer.onError(
              Status.INTERNAL
                  .withDescription(
                      "Failed to process the request(s) for model instance 'm_0_0', message:"
                          + " ValueError: no")
                  .asRuntimeException());
      case FULL ->
          observer.onError(
              Status.UNAVAILABLE
                  .withDescription("Exceeds maximum queue size")
                  .asRuntimeException());
      case FORBIDDEN -> observer.onError(Status.PERMISSION_DENIED.asRuntimeException());
      case UNSUPPORTED -> observer.onError(Status.UNIMPLEMENTED.asRuntimeException());
      case FAILS ->
          observer.onError(Status.INTERNAL.withDescription("out of luck").asRuntimeException());
      case ANSWERS, NOT_A_NUMBER, WRONG_SHAPE -> {
        observer.onNext(scores(request));
        observer.onCompleted();
      }
    }
  }

  private ModelInferResponse scores(ModelInferRequest request) {
    long[] prompts = longs(request, "prompt_tokens");
    long[] completions = longs(request, "completion_tokens");
    int heads = (int) config.getOutput(0).getDims(0) - (conduct == Conduct.WRONG_SHAPE ? 1 : 0);
    ByteBuffer raw =
        ByteBuffer.allocate(prompts.length * heads * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int b = 0; b < prompts.length; b++) {
      for (int k = 0; k < heads; k++) {
        raw.putFloat(
            conduct == Conduct.NOT_A_NUMBER && k == 1
                ? Float.NaN
                : score(k, (int) prompts[b], (int) completions[b]));
      }
    }
    ModelInferResponse.Builder answer =
        ModelInferResponse.newBuilder()
            .setModelName(config.getName())
            .setModelVersion(request.getModelVersion())
            .addOutputs(
                InferOutputTensor.newBuilder()
                    .setName("scores")
                    .setDatatype("FP32")
                    .addShape(prompts.length)
                    .addShape(heads))
            .addRawOutputContents(ByteString.copyFrom(raw.flip()));
    if (config.getOutputCount() > 1) {
      addObjectives(answer, prompts, completions);
    }
    return answer.build();
  }

  /** By objective {@code o} a head says {@code o} more than its score. */
  private void addObjectives(
      ModelInferResponse.Builder answer, long[] prompts, long[] completions) {
    int heads = (int) config.getOutput(1).getDims(0);
    int objectives = (int) config.getOutput(1).getDims(1);
    ByteBuffer raw =
        ByteBuffer.allocate(prompts.length * heads * objectives * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int b = 0; b < prompts.length; b++) {
      for (int k = 0; k < heads; k++) {
        for (int o = 0; o < objectives; o++) {
          raw.putFloat(score(k, (int) prompts[b], (int) completions[b]) + o);
        }
      }
    }
    answer
        .addOutputs(
            InferOutputTensor.newBuilder()
                .setName(config.getOutput(1).getName())
                .setDatatype("FP32")
                .addShape(prompts.length)
                .addShape(heads)
                .addShape(objectives))
        .addRawOutputContents(ByteString.copyFrom(raw.flip()));
  }

  private static long[] longs(ModelInferRequest request, String input) {
    for (int i = 0; i < request.getInputsCount(); i++) {
      if (request.getInputs(i).getName().equals(input)) {
        ByteBuffer raw =
            request.getRawInputContents(i).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        long[] values = new long[raw.remaining() / Long.BYTES];
        raw.asLongBuffer().get(values);
        return values;
      }
    }
    throw new AssertionError("no input " + input);
  }

  private boolean knows(String model) {
    return loaded && model.equals(config.getName());
  }

  private boolean unknown(String model, StreamObserver<?> observer) {
    if (knows(model)) {
      return false;
    }
    observer.onError(
        Status.NOT_FOUND
            .withDescription("Request for unknown model: '" + model + "' is not found")
            .asRuntimeException());
    return true;
  }

  /** Ends it as a crash would: calls under way break. */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
