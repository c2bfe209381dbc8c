package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.remote.ByteTokenizer;
import io.ballast.inference.remote.RemoteGeneration;
import io.ballast.inference.remote.RemoteGeneration.Told;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInferResponse.InferOutputTensor;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream is read as long as its generation needs it. */
class GenerationStreamsTest {
  private final SilentServer service = new SilentServer();
  private Server server;
  private ManagedChannel channel;

  /** Answers once with a byte, says nothing more, and waits until the reader leaves. */
  private static final class SilentServer
      extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    private final CompletableFuture<Boolean> left = new CompletableFuture<>();
    private volatile int token = ';' + 1;

    @Override
    public void modelMetadata(
        ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
      TensorMetadata.Builder tensor = TensorMetadata.newBuilder().setDatatype("INT32").addShape(-1);
      observer.onNext(
          ModelMetadataResponse.newBuilder()
              .setName("m")
              .addInputs(tensor.setName("X"))
              .addOutputs(tensor.setName("Y"))
              .build());
      observer.onCompleted();
    }

    @Override
    public StreamObserver<ModelInferRequest> modelStreamInfer(
        StreamObserver<ModelStreamInferResponse> observer) {
      ((ServerCallStreamObserver<ModelStreamInferResponse>) observer)
          .setOnCancelHandler(() -> left.complete(true));
      return new StreamObserver<>() {
        @Override
        public void onNext(ModelInferRequest request) {
          observer.onNext(
              ModelStreamInferResponse.newBuilder()
                  .setInferResponse(
                      ModelInferResponse.newBuilder()
                          .setModelName("m")
                          .addOutputs(
                              InferOutputTensor.newBuilder()
                                  .setName("Y")
                                  .setDatatype("INT32")
                                  .addShape(1))
                          .addRawOutputContents(Tensor.ints("Y", List.of(1L), token).content()))
                  .build());
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
      };
    }
  }

  @BeforeEach
  void start() throws IOException {
    String name = InProcessServerBuilder.generateName();
    server = InProcessServerBuilder.forName(name).addService(service).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private RemoteGeneration generation(Consumer<GeneratedToken> onToken) {
    return new RemoteGeneration(
        "model 'm'",
        SamplingOptions.builder().maxNewTokens(8).stopStrings(List.of(";")).build(),
        new ByteTokenizer(),
        TokenIds.of(1),
        onToken);
  }

  private GenerationStreams streams() {
    return new GenerationStreams(
        new KServeClient(channel, KServeSettings.defaults()), ServedModel.of("m"));
  }

  private static InferRequest request() {
    return InferRequest.of("m").input(Tensor.ints("X", List.of(1L), 1)).build();
  }

  /** Takes each answer as a token. */
  private record Tokens(RemoteGeneration generation) implements GenerationStreams.Reader {
    @Override
    public void answered(InferAnswer answer, boolean last) {
      generation.add(List.of(new Told(answer.output("Y").ints()[0], -1)), "", Optional.empty());
    }

    @Override
    public void ended(boolean marked) {
      throw new AssertionError("it goes on");
    }
  }

  @Test
  @Timeout(60)
  void aStopStringCancelsTheCallThoughNoAnswerFollows() throws Exception {
    RemoteGeneration generation = generation(token -> {});
    try (GenerationStreams streams = streams()) {
      var unused = streams.start(request(), generation, new Tokens(generation));

      Generation result = generation.result().get(30, TimeUnit.SECONDS);
      assertThat(result.stopReason()).isEqualTo(StopReason.STOP_STRING);
      assertThat(service.left.get(30, TimeUnit.SECONDS)).isTrue(); // before streams is closed
    }
  }

  @Test
  @Timeout(60)
  void aCallerThatLeavesEndsItAsItsOwnDoingNotTheServers() throws Exception {
    service.token = 'a' + 1;
    CountDownLatch first = new CountDownLatch(1);
    RemoteGeneration generation = generation(token -> first.countDown());
    try (GenerationStreams streams = streams();
        Context.CancellableContext caller = Context.current().withCancellation()) {
      caller.run(() -> streams.start(request(), generation, new Tokens(generation)));
      first.await();

      caller.cancel(null);

      Generation result = generation.result().get(30, TimeUnit.SECONDS);
      assertThat(result.stopReason()).isEqualTo(StopReason.CANCELLED);
      assertThat(result.text()).isEqualTo("a");
      assertThat(service.left.get(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  @Timeout(60)
  void aCallerThatHasLeftIsNotToldThatTheServerIsAway() throws Exception {
    RemoteGeneration generation = generation(token -> {});
    try (GenerationStreams streams = streams();
        Context.CancellableContext caller = Context.current().withCancellation()) {
      caller.cancel(null);

      caller.run(() -> streams.start(request(), generation, new Tokens(generation)));

      Generation result = generation.result().get(30, TimeUnit.SECONDS);
      assertThat(result.stopReason()).isEqualTo(StopReason.CANCELLED);
    }
  }

  @Test
  @Timeout(60)
  void anErrorWhileAnAnswerIsReadLeavesNobodyWaiting() {
    RemoteGeneration generation =
        generation(
            token -> {
              throw new AssertionError("no memory");
            });
    try (GenerationStreams streams = streams()) {
      var unused = streams.start(request(), generation, new Tokens(generation));

      assertThatThrownBy(() -> generation.result().get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class);
    }
  }

  @Test
  void aServerWhoseClockIsAheadEndsNoCallOfItsOwn() {
    Deadline.Ticker still =
        new Deadline.Ticker() {
          @Override
          public long nanoTime() {
            return 0;
          }
        };
    assertThat(GenerationStreams.isAtItsEnd(Deadline.after(-1, TimeUnit.MILLISECONDS, still)))
        .isTrue();
    assertThat(GenerationStreams.isAtItsEnd(Deadline.after(49, TimeUnit.MILLISECONDS, still)))
        .isTrue();
    assertThat(GenerationStreams.isAtItsEnd(Deadline.after(50, TimeUnit.MILLISECONDS, still)))
        .isFalse();
    assertThat(GenerationStreams.isAtItsEnd(null)).isFalse();
  }
}
