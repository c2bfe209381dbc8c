package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInferResponse.InferOutputTensor;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What servers do that Triton does not: those of others, and broken ones. */
class KServeClientTest {
  private static final ModelInferResponse ANSWER =
      ModelInferResponse.newBuilder()
          .setModelName("m")
          .setModelVersion("1")
          .addOutputs(InferOutputTensor.newBuilder().setName("Y").setDatatype("FP32").addShape(1))
          .addRawOutputContents(Tensor.floats("Y", List.of(1L), 3).content())
          .build();

  private final OtherServer service = new OtherServer();
  private final AtomicReference<ModelInferRequest> asked = new AtomicReference<>();
  private volatile List<ModelInferResponse> answers = List.of(ANSWER);
  private volatile boolean mute;
  private Server server;
  private ManagedChannel channel;
  private KServeClient client;

  /** A server of the protocol's core: no configuration, no extensions. */
  private final class OtherServer extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final CountDownLatch notReady = new CountDownLatch(1);
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final CountDownLatch completed = new CountDownLatch(1);

    @Override
    public void modelMetadata(
        ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
      if (mute) {
        return;
      }
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
      asked.set(request);
      answers.forEach(observer::onNext);
      observer.onCompleted();
    }

    /** Sends as long as the reader takes it, 1,000 answers at most. */
    @Override
    public StreamObserver<ModelInferRequest> modelStreamInfer(
        StreamObserver<ModelStreamInferResponse> observer) {
      ServerCallStreamObserver<ModelStreamInferResponse> call =
          (ServerCallStreamObserver<ModelStreamInferResponse>) observer;
      call.setOnCancelHandler(cancelled::countDown);
      call.setOnReadyHandler(
          () -> {
            while (call.isReady() && sent.get() < 1_000) {
              sent.incrementAndGet();
              call.onNext(
                  ModelStreamInferResponse.newBuilder()
                      .setInferResponse(answers.getFirst())
                      .build());
            }
            if (sent.get() < 1_000) {
              notReady.countDown();
            } else if (ended.compareAndSet(false, true)) {
              call.onCompleted();
              completed.countDown();
            }
          });
      return new StreamObserver<>() {
        @Override
        public void onNext(ModelInferRequest request) {}

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
    server = InProcessServerBuilder.forName(name).addService(lawless(service)).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
    client =
        new KServeClient(
            channel,
            KServeSettings.defaults().withControlDeadline(Duration.ofHours(1)).withAnswersAhead(4));
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  /** The service, free to answer an inference never or twice: grpc-java would not let it. */
  private static ServerServiceDefinition lawless(OtherServer service) {
    MethodDescriptor<ModelInferRequest, ModelInferResponse> infer =
        GRPCInferenceServiceGrpc.getModelInferMethod();
    ServerServiceDefinition.Builder lawless =
        ServerServiceDefinition.builder(GRPCInferenceServiceGrpc.SERVICE_NAME);
    for (ServerMethodDefinition<?, ?> method : service.bindService().getMethods()) {
      if (!method.getMethodDescriptor().getFullMethodName().equals(infer.getFullMethodName())) {
        lawless.addMethod(method);
      }
    }
    return lawless
        .addMethod(
            infer.toBuilder().setType(MethodType.SERVER_STREAMING).build(),
            ServerCalls.asyncServerStreamingCall(service::modelInfer))
        .build();
  }

  private static InferRequest request() {
    return InferRequest.of("m").input(Tensor.floats("X", List.of(1L), 1)).build();
  }

  @Test
  void aServerWithoutConfigurationIsServedByItsMetadata() {
    assertThat(client.infer(request()).output("Y").floats()).containsExactly(3);
  }

  @Test
  void priorityTimeoutAndDeadlineTravel() {
    client.infer(
        InferRequest.of("m")
            .input(Tensor.floats("X", List.of(1L), 1))
            .priority(2)
            .queueTimeout(Duration.ofMillis(3))
            .parameter("seed", ParameterValue.of(7))
            .build());

    assertThat(asked.get().getParametersMap())
        .containsEntry("priority", InferParameter.newBuilder().setUint64Param(2).build())
        .containsEntry("timeout", InferParameter.newBuilder().setInt64Param(3_000).build())
        .containsEntry("seed", InferParameter.newBuilder().setInt64Param(7).build());

    client.infer(
        InferRequest.of("m")
            .input(Tensor.floats("X", List.of(1L), 1))
            .deadline(Duration.ofSeconds(2))
            .build());
    assertThat(asked.get().getParametersOrThrow("timeout").getInt64Param())
        .isBetween(1L, 2_000_000L);
  }

  @Test
  void theDeadlineIsNoQueueTimeoutWhereThatIsSwitchedOff() {
    KServeSettings usual = KServeSettings.defaults();
    KServeClient other =
        new KServeClient(
            channel,
            new KServeSettings(
                usual.inferDeadline(),
                usual.controlDeadline(),
                usual.loadDeadline(),
                usual.maxMessageBytes(),
                usual.connections(),
                usual.answersAhead(),
                false,
                usual.readyInterval(),
                usual.drainStreams(),
                usual.security()));

    other.infer(request());

    assertThat(asked.get().getParametersMap()).isEmpty();
  }

  @Test
  void typedContentsAreReadAsRawOnesAre() {
    answers =
        List.of(
            ANSWER.toBuilder()
                .clearRawOutputContents()
                .setOutputs(
                    0,
                    ANSWER.getOutputs(0).toBuilder()
                        .setContents(InferTensorContents.newBuilder().addFp32Contents(5)))
                .build());

    assertThat(client.infer(request()).output("Y").floats()).containsExactly(5);
  }

  /** An answer whose type and typed contents disagree. */
  private static ModelInferResponse mixed(String type, InferTensorContents.Builder contents) {
    return ANSWER.toBuilder()
        .clearRawOutputContents()
        .setOutputs(
            0, ANSWER.getOutputs(0).toBuilder().setDatatype(type).setContents(contents).build())
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"BOOL", "UINT8", "INT8", "INT64", "UINT64", "FP32", "FP64", "BYTES"})
  void contentsOfAnotherTypeAreWrongHoweverTheyAreAskedFor(String type) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    answers =
        List.of(
            mixed(
                type,
                type.equals("FP32") ? contents.addIntContents(1) : contents.addFp32Contents(1)));

    String words = failure(Reason.WRONG_ANSWER, () -> client.infer(request()));
    assertThat(words).startsWith("model 'm': output Y").contains(" 0 bytes");
    CompletableFuture<InferAnswer> later = client.inferAsync(request());
    assertThat(failure(Reason.WRONG_ANSWER, () -> await(later))).isEqualTo(words);
    try (InferStream stream = client.stream(request())) {
      assertThat(failure(Reason.WRONG_ANSWER, stream::next)).isEqualTo(words);
      assertThat(stream.next()).as("after the failure").isEmpty();
    }
  }

  /** Throws what the answer ended with, not what wraps it. */
  private static InferAnswer await(CompletableFuture<InferAnswer> later) throws Throwable {
    try {
      return later.get(10, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw Objects.requireNonNull(e.getCause());
    }
  }

  @Test
  void numbersThatDoNotFitIntoTheirTypeAreWrong() {
    answers =
        List.of(
            ANSWER.toBuilder()
                .clearRawOutputContents()
                .setOutputs(
                    0,
                    ANSWER.getOutputs(0).toBuilder()
                        .setDatatype("UINT8")
                        .setContents(InferTensorContents.newBuilder().addUintContents(256)))
                .build());

    assertThat(failure(Reason.WRONG_ANSWER, () -> client.infer(request())))
        .isEqualTo("model 'm': output Y[0]: 256 does not fit into UINT8");
  }

  @Test
  @Timeout(20)
  void aRequestsDeadlineHoldsForTheMetadataToo() {
    mute = true;
    InferRequest hasty =
        InferRequest.of("m")
            .input(Tensor.floats("X", List.of(1L), 1))
            .deadline(Duration.ofMillis(50))
            .build();

    failure(Reason.SILENT, () -> client.infer(hasty));
    failure(Reason.SILENT, () -> client.inferAsync(hasty));
    failure(Reason.SILENT, () -> client.stream(hasty));
  }

  @Test
  @Timeout(20)
  void aRequestsDeadlineHoldsForTheSecondLookAtTheMetadata() {
    client.describe(ServedModel.of("m"));
    mute = true;
    answers = List.of(ANSWER.toBuilder().setId("yours").build());

    failure(
        Reason.WRONG_ANSWER,
        () ->
            client.infer(
                InferRequest.of("m")
                    .input(Tensor.floats("X", List.of(1L), 1))
                    .deadline(Duration.ofMillis(1_500))
                    .build()));
  }

  @Test
  void contentsThatAreTooShortAreWrong() {
    answers =
        List.of(ANSWER.toBuilder().setRawOutputContents(0, ByteString.copyFromUtf8("ab")).build());

    assertThat(failure(Reason.WRONG_ANSWER, () -> client.infer(request())))
        .isEqualTo("model 'm': output Y: 2 bytes (expected: 4, for FP32 of shape [1])");
  }

  @Test
  void noAnswerOrTwoAreWrong() {
    answers = List.of();
    failure(Reason.WRONG_ANSWER, () -> client.infer(request()));

    answers = List.of(ANSWER, ANSWER);
    failure(Reason.WRONG_ANSWER, () -> client.infer(request()));
  }

  @Test
  void anAnswerInMemoryIsReadNoFurtherThanItsPlace(@TempDir Path folder) {
    SharedMemoryRegion region =
        new SharedMemoryRegion(client.sharedMemory(), SharedMemoryFile.create(folder, 64));
    InferRequest request =
        InferRequest.of("m")
            .input(Tensor.floats("X", List.of(1L), 1))
            .output(new RequestedOutput("Y", 0, Optional.of(region.slice(56, 8))))
            .build();
    Tensor eight = Tensor.floats("Y", List.of(1L), 8);
    region.write(56, eight);
    answers = List.of(ANSWER.toBuilder().clearRawOutputContents().build());
    assertThat(client.infer(request).outputs()).containsExactly(eight);

    answers =
        List.of(
            ANSWER.toBuilder()
                .clearRawOutputContents()
                .setOutputs(0, ANSWER.getOutputs(0).toBuilder().setShape(0, 3))
                .build());
    assertThat(failure(Reason.WRONG_ANSWER, () -> client.infer(request)))
        .isEqualTo("model 'm': output Y: 8 bytes (expected: 12, for FP32 of shape [3])");

    answers = List.of(ANSWER.toBuilder().clearRawOutputContents().build());
    region.close();
    assertThat(failure(Reason.CANCELLED, () -> client.infer(request)))
        .isEqualTo(
            "model 'm': output 'Y': its region "
                + region.name()
                + " was closed before the answer came");
  }

  @Test
  void theAnswerToAnotherRequestIsWrong() {
    answers = List.of(ANSWER.toBuilder().setId("yours").build());

    assertThat(failure(Reason.WRONG_ANSWER, () -> client.infer(request())))
        .isEqualTo("model 'm': the answer to 'yours' came to request ''");
  }

  @Test
  void whatAServerDoesNotHaveIsUnsupported() {
    failure(Reason.UNSUPPORTED, client::live);
    failure(Reason.UNSUPPORTED, () -> client.repository().index());
  }

  @Test
  void aSlowReaderHoldsTheServerBack() throws InterruptedException {
    try (InferStream stream = client.stream(request())) {
      assertThat(service.notReady.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(service.sent.get()).as("sent before anything was read").isEqualTo(4);

      int read = 0;
      for (Optional<InferAnswer> answer = stream.next();
          answer.isPresent();
          answer = stream.next()) {
        read++;
      }
      assertThat(read).isEqualTo(1_000);
      assertThat(stream.marked()).as("a server that knows no mark").isFalse();
    }
  }

  @Test
  void aStreamThatIsLeftIsCancelled() throws InterruptedException {
    try (InferStream stream = client.stream(request())) {
      assertThat(stream.next()).isPresent();
    }

    assertThat(service.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(service.sent.get()).isLessThan(1_000);
  }

  @Test
  void aStreamThatIsLeftIsDrainedWhereTheSettingsSaySo() throws InterruptedException {
    KServeClient draining =
        new KServeClient(
            channel, KServeSettings.defaults().withAnswersAhead(4).withDrainStreams(true));
    try (InferStream stream = draining.stream(request())) {
      assertThat(stream.next()).isPresent();
      assertThat(service.notReady.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(service.sent.get()).isLessThan(1_000);
    }

    assertThat(service.completed.await(10, TimeUnit.SECONDS)).as("drained to its end").isTrue();
    assertThat(service.sent.get()).isEqualTo(1_000);
    assertThat(service.cancelled.getCount()).as("cancelled").isOne();
  }

  @Test
  void aStreamIsDrainedTooWhereItsCallersContextEnds() throws Exception {
    KServeClient draining =
        new KServeClient(
            channel, KServeSettings.defaults().withAnswersAhead(4).withDrainStreams(true));
    try (Context.CancellableContext caller = Context.current().withCancellation()) {
      InferStream stream = caller.call(() -> draining.stream(request()));
      assertThat(stream.next()).isPresent();
      assertThat(service.notReady.await(10, TimeUnit.SECONDS)).isTrue();

      caller.cancel(null);

      assertThat(service.completed.await(10, TimeUnit.SECONDS)).as("drained to its end").isTrue();
      assertThat(service.cancelled.getCount()).as("cancelled").isOne();
      failure(
          Reason.CANCELLED,
          () -> {
            while (stream.next().isPresent()) {
              // what had come before the caller left
            }
          });
    }
  }
}
