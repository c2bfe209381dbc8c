package io.ballast.testing;

import com.google.protobuf.ByteString;
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
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelReadyResponse;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A Triton of two classifiers that somebody else made, in this JVM, on a real socket. {@code
 * letters} takes TEXT, BYTES [1], and gives {@code score}, FP32 [1], half the number of bytes.
 * {@code sums} takes input_ids and attention_mask, INT64 [T], and gives {@code logits}, FP32 [2]:
 * how many tokens there are, and a hundredth of their sum.
 */
public final class FakeClassifiers extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase
    implements AutoCloseable {
  private final Server server;

  private FakeClassifiers(int port) {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port))
              .directExecutor()
              .addService(this)
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts one on this port; 0: a free one. */
  public static FakeClassifiers startAt(int port) {
    return new FakeClassifiers(port);
  }

  /** Where it is. */
  public int port() {
    return server.getPort();
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    observer.onNext(ModelReadyResponse.newBuilder().setReady(true).build());
    observer.onCompleted();
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    observer.onNext(
        ModelConfigResponse.newBuilder()
            .setConfig(ModelConfig.newBuilder().setName(request.getName()).setMaxBatchSize(8))
            .build());
    observer.onCompleted();
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    ModelMetadataResponse.Builder metadata =
        ModelMetadataResponse.newBuilder().setName(request.getName()).setPlatform("python");
    if (request.getName().equals("letters")) {
      metadata.addInputs(tensor("TEXT", "BYTES", 1)).addOutputs(tensor("score", "FP32", 1));
    } else {
      metadata
          .addInputs(tensor("input_ids", "INT64", -1))
          .addInputs(tensor("attention_mask", "INT64", -1))
          .addOutputs(tensor("logits", "FP32", 2));
    }
    observer.onNext(metadata.build());
    observer.onCompleted();
  }

  private static TensorMetadata tensor(String name, String type, long dimension) {
    return TensorMetadata.newBuilder()
        .setName(name)
        .setDatatype(type)
        .addShape(-1)
        .addShape(dimension)
        .build();
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    int rows = (int) request.getInputs(0).getShape(0);
    if (rows > 8) {
      observer.onError(
          Status.INVALID_ARGUMENT.withDescription("batch-size must be <= 8").asRuntimeException());
      return;
    }
    boolean letters = request.getModelName().equals("letters");
    ByteBuffer raw =
        ByteBuffer.allocate(rows * (letters ? 1 : 2) * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (letters) {
      ByteBuffer texts = buffer(request, 0);
      for (int b = 0; b < rows; b++) {
        int length = texts.getInt();
        texts.position(texts.position() + length);
        raw.putFloat(length / 2f);
      }
    } else {
      int length = (int) request.getInputs(0).getShape(1);
      ByteBuffer ids = buffer(request, named(request, "input_ids"));
      ByteBuffer mask = buffer(request, named(request, "attention_mask"));
      for (int b = 0; b < rows; b++) {
        long count = 0;
        long sum = 0;
        for (int t = 0; t < length; t++) {
          long seen = mask.getLong();
          count += seen;
          sum += seen * ids.getLong();
        }
        raw.putFloat(count).putFloat(sum / 100f);
      }
    }
    observer.onNext(
        ModelInferResponse.newBuilder()
            .setModelName(request.getModelName())
            .setModelVersion(request.getModelVersion())
            .addOutputs(
                InferOutputTensor.newBuilder()
                    .setName(letters ? "score" : "logits")
                    .setDatatype("FP32")
                    .addAllShape(List.of((long) rows, letters ? 1L : 2L)))
            .addRawOutputContents(ByteString.copyFrom(raw.flip()))
            .build());
    observer.onCompleted();
  }

  private static int named(ModelInferRequest request, String name) {
    for (int i = 0; i < request.getInputsCount(); i++) {
      if (request.getInputs(i).getName().equals(name)) {
        return i;
      }
    }
    throw new AssertionError("no input " + name);
  }

  private static ByteBuffer buffer(ModelInferRequest request, int input) {
    return request.getRawInputContents(input).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
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
