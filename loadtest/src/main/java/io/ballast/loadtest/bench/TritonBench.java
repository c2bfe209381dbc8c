package io.ballast.loadtest.bench;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.InferAnswer;
import io.ballast.inference.triton.InferRequest;
import io.ballast.inference.triton.KServeClient;
import io.ballast.inference.triton.KServeConnection;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The client of Triton beside a bare grpc-java stub on the same channel, one call at a time, and
 * beside tritonclient and perf_analyzer, many in flight; against a real Triton whose models copy
 * 1,024 numbers.
 *
 * <ul>
 *   <li><b>One at a time</b>: both sides block in the same way (grpc-java's blocking call), and
 *       take turns call by call. A pair of blocks of a thousand calls each, as it was before,
 *       mostly showed what else the machine did in that second. Ours does what the bare call does
 *       not: it sends the deadline as the server's queue timeout, and compares the answer with the
 *       model's metadata.
 *   <li><b>Many in flight</b>: server and client share the machine's cores. Where the model runs in
 *       Python, the server's share bounds everybody; where Triton answers out of its response
 *       cache, it is the clients that differ. What either client itself takes of a core is told
 *       apart.
 *   <li><b>Compiled code</b>: before the first pair ours has made enough calls that the JVM has
 *       compiled it, since servers live longer than a benchmark. A Python client has nothing to
 *       gain from that.
 * </ul>
 */
final class TritonBench {
  private static final String ONE_AT_A_TIME = "Triton: one at a time, beside a bare stub";
  private static final Goal ONE_AT_A_TIME_GOAL = new Goal.RatioAtLeast(0.95);
  private static final Goal IN_FLIGHT_GOAL = new Goal.RatioAtLeast(3);
  private static final List<String> MODELS = List.of(TritonPeer.COPY, TritonPeer.CACHED);
  private static final int NUMBERS = 1_024;
  private static final int CALLS = 2_000;
  private static final int WARM_UP_CALLS = 10_000;
  private static final int IN_FLIGHT = 32;
  private static final int PERF_ANALYZER_PAIRS = 3;

  /** It measures for some four seconds. */
  private static final Duration PERF_ANALYZER_PATIENCE = Duration.ofMinutes(1);

  private static final int CALLS_IN_FLIGHT = 6_000;
  private static final int WARM_UP_CALLS_IN_FLIGHT = 100_000;

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
    return (1 + 2) * Pairs.measured(repetitions)
        + 2 * Pairs.measured(Math.min(PERF_ANALYZER_PAIRS, repetitions));
  }

  /** Measures; a peer that is not installed leaves its figures unmeasured. */
  List<Figure> run() throws IOException {
    Path installation = TritonPeer.installation();
    Optional<TritonPeer> started = TritonPeer.start(checkout, installation, work);
    if (started.isEmpty()) {
      word.accept("Triton is left out: not installed (./mesh test --triton installs it)");
      return List.of(Figure.unmeasured(ONE_AT_A_TIME, "calls/s", ONE_AT_A_TIME_GOAL));
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
    List<Figure> figures = new ArrayList<>();
    try {
      figures.add(
          oneAtATime(
              new KServeClient(channel, KServeSettings.defaults()),
              GRPCInferenceServiceGrpc.newBlockingStub(channel)));
    } finally {
      channel.shutdownNow();
    }
    try (KServeConnection connection =
        KServeConnection.open(triton.address(), KServeSettings.defaults())) {
      InFlight ours = new InFlight(connection.client(), values(), IN_FLIGHT, nanoTime);
      ours.requests(TritonPeer.CACHED, WARM_UP_CALLS_IN_FLIGHT);
      figures.addAll(besideTritonclient(triton, installation, ours));
      figures.addAll(besidePerfAnalyzer(triton, installation, ours));
    }
    return figures;
  }

  private Figure oneAtATime(KServeClient client, GRPCInferenceServiceBlockingStub stub) {
    Call ours = values -> ours(client, values);
    Call bare = values -> bare(stub, values);
    callByCall(ours, bare, WARM_UP_CALLS);
    List<Pairs.Pair<Double>> pairs = new ArrayList<>();
    for (int i = 0; i < Pairs.measured(repetitions); i++) {
      Pairs.Pair<Double> pair = callByCall(ours, bare, CALLS);
      if (i > 0) {
        pairs.add(pair);
      }
      progress.run();
    }
    return Pairs.of(pairs).figure(ONE_AT_A_TIME, "calls/s", ONE_AT_A_TIME_GOAL);
  }

  /** Returns the calls a second of either, which take turns: A B, B A, A B, … */
  private Pairs.Pair<Double> callByCall(Call ours, Call bare, int calls) {
    float[] values = values();
    long oursNanos = 0;
    long bareNanos = 0;
    for (int i = 0; i < calls; i++) {
      values[0] = i;
      if (i % 2 == 0) {
        oursNanos += nanos(ours, values);
        bareNanos += nanos(bare, values);
      } else {
        bareNanos += nanos(bare, values);
        oursNanos += nanos(ours, values);
      }
    }
    return new Pairs.Pair<>(calls * 1e9 / oursNanos, calls * 1e9 / bareNanos);
  }

  private long nanos(Call call, float[] values) {
    long start = nanoTime.getAsLong();
    float[] answer = call.answer(values);
    long nanos = nanoTime.getAsLong() - start;
    if (answer.length != NUMBERS || answer[0] != values[0]) {
      throw new IllegalStateException("Triton's copy differs from what it was given");
    }
    return nanos;
  }

  private List<Figure> besideTritonclient(TritonPeer triton, Path installation, InFlight ours)
      throws IOException {
    Optional<PythonPeer> peer =
        PythonPeer.start(
            installation.resolve("venv/bin/python").toString(),
            "tritonclient_peer.py",
            work,
            List.of(triton.address(), Integer.toString(NUMBERS)),
            1);
    if (peer.isEmpty()) {
      word.accept("tritonclient is left out: the package is not there");
      return unmeasured("tritonclient", IN_FLIGHT_GOAL);
    }
    List<Figure> figures = new ArrayList<>();
    try (PythonPeer tritonclient = peer.get()) {
      word.accept("Triton client: beside " + tritonclient.version());
      for (String model : MODELS) {
        String how = inFlight(model);
        List<Double> serverMicros = new ArrayList<>();
        List<Pairs.Pair<RequestWork>> pairs =
            Pairs.inTurns(
                repetitions,
                () -> withServer(triton, serverMicros, () -> ours.requests(model, CALLS_IN_FLIGHT)),
                () -> tritonclient.requests(model, CALLS_IN_FLIGHT, IN_FLIGHT),
                progress);
        figures.add(
            Pairs.of(pairs.stream().map(pair -> pair.map(RequestWork::perSecond)).toList())
                .figure(how + ", beside tritonclient", "calls/s", IN_FLIGHT_GOAL));
        figures.add(
            Pairs.of(pairs.stream().map(pair -> pair.map(RequestWork::perCpuSecond)).toList())
                .figure(how + ", by CPU of the client", "calls/CPU s", new Goal.Reported()));
        figures.add(
            Pairs.alone(
                how + ", CPU of Triton",
                "µs",
                serverMicros.subList(1, serverMicros.size()), // the first pair does not count
                new Goal.Reported()));
      }
    }
    return figures;
  }

  /** Measures {@code client}, and adds the microseconds of CPU that the server took for a call. */
  private static RequestWork withServer(
      TritonPeer triton, List<Double> serverMicros, Supplier<RequestWork> client) {
    Duration before = triton.cpu();
    RequestWork work = client.get();
    serverMicros.add(triton.cpu().minus(before).toNanos() / 1e3 / work.requests());
    return work;
  }

  /** Beside Triton's own load generator: a client in C++. */
  private List<Figure> besidePerfAnalyzer(TritonPeer triton, Path installation, InFlight ours)
      throws IOException {
    Optional<PerfAnalyzer> found =
        PerfAnalyzer.find(installation, work, triton.address(), PERF_ANALYZER_PATIENCE);
    if (found.isEmpty()) {
      word.accept("perf_analyzer is left out: not installed");
      return unmeasured("perf_analyzer", new Goal.Reported());
    }
    PerfAnalyzer perfAnalyzer = found.get();
    List<Figure> figures = new ArrayList<>();
    for (String model : MODELS) {
      figures.add(
          Pairs.measure(
                  Math.min(PERF_ANALYZER_PAIRS, repetitions),
                  () -> ours.requests(model, CALLS_IN_FLIGHT).perSecond(),
                  () -> perfAnalyzer.requestsPerSecond(model, NUMBERS, IN_FLIGHT),
                  progress)
              .figure(inFlight(model) + ", beside perf_analyzer", "calls/s", new Goal.Reported()));
    }
    return figures;
  }

  private static List<Figure> unmeasured(String peer, Goal goal) {
    return MODELS.stream()
        .map(model -> Figure.unmeasured(inFlight(model) + ", beside " + peer, "calls/s", goal))
        .toList();
  }

  private static String inFlight(String model) {
    return "Triton: %d in flight, %s"
        .formatted(IN_FLIGHT, model.equals(TritonPeer.CACHED) ? "cached" : "in Python");
  }

  private interface Call {
    float[] answer(float[] values);
  }

  private static float[] values() {
    float[] values = new float[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
      values[i] = i;
    }
    return values;
  }

  private static float[] ours(KServeClient client, float[] values) {
    InferAnswer answer =
        client.infer(
            InferRequest.of(TritonPeer.COPY)
                .input(Tensor.floats("X", List.of(1L, (long) NUMBERS), values))
                .output("Y")
                .build());
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
                    .setModelName(TritonPeer.COPY)
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
