package io.ballast.loadtest.bench;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.InferAnswer;
import io.ballast.inference.triton.InferRequest;
import io.ballast.inference.triton.KServeClient;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.inference.triton.Tensor;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferRequest.InferRequestedOutputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The client of Triton beside a bare grpc-java stub on the same channel, one call at a time, and
 * beside tritonclient, many in flight; against a real Triton whose model copies 1,024 numbers.
 */
final class TritonBench {
  private static final int NUMBERS = 1_024;
  private static final int CALLS = 1_000;
  private static final int IN_FLIGHT = 32;
  private static final int CALLS_IN_FLIGHT = 4_000;

  private final Path checkout;
  private final Path work;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;
  private final Consumer<String> word;

  /**
   * Binds what is measured.
   *
   * @param checkout has the script that runs Triton
   * @param work a folder that may be written
   * @param progress told after each pair
   * @param word told why a peer is left out
   */
  TritonBench(
      Path checkout,
      Path work,
      int repetitions,
      LongSupplier nanoTime,
      Runnable progress,
      Consumer<String> word) {
    this.checkout = checkout;
    this.work = work;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
    this.word = word;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return 2 * Pairs.measured(repetitions);
  }

  /** Measures; nothing if Triton is not installed. */
  List<Figure> run() throws IOException {
    Path installation = TritonPeer.installation();
    Optional<TritonPeer> started = TritonPeer.start(checkout, installation, work);
    if (started.isEmpty()) {
      word.accept("Triton is left out: not installed (./mesh test --triton installs it)");
      return List.of();
    }
    try (TritonPeer triton = started.get()) {
      return run(triton, installation);
    }
  }

  private List<Figure> run(TritonPeer triton, Path installation) throws IOException {
    String[] address = triton.address().split(":", 2);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(address[0], Integer.parseInt(address[1]))
            .usePlaintext()
            .disableRetry()
            .build();
    try {
      KServeClient client = new KServeClient(channel, KServeSettings.defaults());
      GRPCInferenceServiceBlockingStub stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
      List<Figure> figures = new ArrayList<>();
      figures.add(
          Pairs.measure(
                  repetitions,
                  () -> callsPerSecond(values -> ours(client, values)),
                  () -> callsPerSecond(values -> bare(stub, values)),
                  progress)
              .figure(
                  "Triton client: one at a time, beside a bare stub",
                  "calls/s",
                  new Goal.RatioAtLeast(0.95)));
      Optional<PythonPeer> peer =
          PythonPeer.start(
              installation.resolve("venv/bin/python").toString(),
              "tritonclient_peer.py",
              work,
              List.of(triton.address(), TritonPeer.MODEL, Integer.toString(NUMBERS)),
              1);
      if (peer.isEmpty()) {
        word.accept("tritonclient is left out: the package is not there");
        return figures;
      }
      try (PythonPeer tritonclient = peer.get()) {
        word.accept("Triton client: beside " + tritonclient.version());
        figures.add(
            Pairs.measure(
                    repetitions,
                    () -> inFlightPerSecond(client),
                    () -> tritonclient.requestsPerSecond(CALLS_IN_FLIGHT, IN_FLIGHT),
                    progress)
                .figure(
                    "Triton client: %d in flight, beside tritonclient".formatted(IN_FLIGHT),
                    "calls/s",
                    new Goal.RatioAtLeast(3)));
      }
      return figures;
    } finally {
      channel.shutdownNow();
    }
  }

  private interface Call {
    float[] answer(float[] values);
  }

  private double callsPerSecond(Call call) {
    float[] values = values();
    long start = nanoTime.getAsLong();
    for (int i = 0; i < CALLS; i++) {
      values[0] = i;
      require(call.answer(values), i);
    }
    return CALLS * 1e9 / (nanoTime.getAsLong() - start);
  }

  private double inFlightPerSecond(KServeClient client) {
    float[] values = values();
    Semaphore room = new Semaphore(IN_FLIGHT);
    List<CompletableFuture<?>> answers = new ArrayList<>();
    long start = nanoTime.getAsLong();
    for (int i = 0; i < CALLS_IN_FLIGHT; i++) {
      room.acquireUninterruptibly();
      int first = i;
      values[0] = first;
      answers.add(
          client
              .inferAsync(request(values))
              .thenAccept(answer -> require(answer.output("Y").floats(), first))
              .whenComplete((done, failure) -> room.release()));
    }
    CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).join();
    return CALLS_IN_FLIGHT * 1e9 / (nanoTime.getAsLong() - start);
  }

  private static float[] values() {
    float[] values = new float[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
      values[i] = i;
    }
    return values;
  }

  private static void require(float[] answer, float first) {
    if (answer.length != NUMBERS || answer[0] != first) {
      throw new IllegalStateException("Triton's copy differs from what it was given");
    }
  }

  private static InferRequest request(float[] values) {
    return InferRequest.of(TritonPeer.MODEL)
        .input(Tensor.floats("X", List.of(1L, (long) NUMBERS), values))
        .output("Y")
        .build();
  }

  private static float[] ours(KServeClient client, float[] values) {
    InferAnswer answer = client.infer(request(values));
    return answer.output("Y").floats();
  }

  private static float[] bare(GRPCInferenceServiceBlockingStub stub, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    ModelInferResponse response =
        stub.withDeadlineAfter(30, TimeUnit.SECONDS)
            .modelInfer(
                ModelInferRequest.newBuilder()
                    .setModelName(TritonPeer.MODEL)
                    .addInputs(
                        InferInputTensor.newBuilder()
                            .setName("X")
                            .setDatatype("FP32")
                            .addShape(1)
                            .addShape(values.length))
                    .addRawInputContents(ByteString.copyFrom(bytes))
                    .addOutputs(InferRequestedOutputTensor.newBuilder().setName("Y"))
                    .build());
    float[] answer = new float[values.length];
    response
        .getRawOutputContents(0)
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(answer);
    return answer;
  }
}
