package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelInferResponse;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** A server in Python that serves a Hugging Face sequence classifier, in processes of its own. */
final class ClassifierPeer implements AutoCloseable {
  /** Which server, and what ours must be beside it. */
  enum Kind {
    /** Asked over gRPC, adaptive batching on. */
    MLSERVER("MLServer", "mlserver_peer.py", 3),
    /** In the manner of OpenRLHF's serve_rm. */
    FASTAPI("FastAPI", "fastapi_peer.py", 3),
    /** In batches of 32, 5 ms. */
    LITSERVE("LitServe", "litserve_peer.py", 1.5);

    private final String title;
    private final String script;
    private final double goal;

    Kind(String title, String script, double goal) {
      this.title = title;
      this.script = script;
      this.goal = goal;
    }

    /** Its name. */
    String title() {
      return title;
    }

    /** How many times its requests a second ours must answer. */
    double goal() {
      return goal;
    }
  }

  /** Asks for the score of a text. */
  @FunctionalInterface
  private interface Client {
    double score(String text) throws IOException, InterruptedException;
  }

  private static final String SHARED = "classifier_scorer.py";
  private static final long PATIENCE_NANOS = 120_000_000_000L;
  private static final Duration TIMEOUT = Duration.ofSeconds(60);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final PythonPeer python;
  private final Client client;
  private final Runnable closeClient;

  private ClassifierPeer(PythonPeer python, Client client, Runnable closeClient) {
    this.python = python;
    this.client = client;
    this.closeClient = closeClient;
  }

  /**
   * Starts a server and waits until it has scored a text.
   *
   * @param interpreter the Python that has the packages
   * @param folder the classifier
   * @param work a folder that may be written
   * @param threads of the model
   * @return empty if the interpreter or a package is not there
   */
  static Optional<ClassifierPeer> start(
      Kind kind, String interpreter, Path folder, Path work, int threads) throws IOException {
    Files.createDirectories(work);
    int port = FreePorts.inARow(); // and the next one
    var unused = PythonPeer.copy(SHARED, work);
    Optional<PythonPeer> started =
        PythonPeer.start(
            interpreter,
            kind.script,
            work,
            List.of(folder.toString(), Integer.toString(port), Integer.toString(threads)),
            threads,
            PythonPeer.PATIENT_THREADS);
    if (started.isEmpty()) {
      return Optional.empty();
    }
    ClassifierPeer peer = connect(kind, started.get(), port);
    try {
      peer.awaitScore(work.resolve(kind.script + ".log"));
      return Optional.of(peer);
    } catch (IOException | RuntimeException e) {
      peer.close();
      throw e;
    }
  }

  private static ClassifierPeer connect(Kind kind, PythonPeer python, int port) {
    return switch (kind) {
      case MLSERVER -> {
        ManagedChannel channel =
            NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        GRPCInferenceServiceBlockingStub stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
        yield new ClassifierPeer(python, text -> infer(stub, text), channel::shutdownNow);
      }
      case FASTAPI ->
          overHttp(
              python,
              port,
              "/get_reward",
              text -> Map.of("query", List.of(text)),
              answer -> answer.path("rewards").path(0));
      case LITSERVE ->
          overHttp(
              python,
              port,
              "/predict",
              text -> Map.of("text", text),
              answer -> answer.path("score"));
    };
  }

  private static double infer(GRPCInferenceServiceBlockingStub stub, String text)
      throws IOException {
    ModelInferResponse answer =
        stub.withDeadlineAfter(TIMEOUT.toSeconds(), TimeUnit.SECONDS)
            .modelInfer(
                ModelInferRequest.newBuilder()
                    .setModelName("classifier")
                    .addInputs(
                        InferInputTensor.newBuilder()
                            .setName("text")
                            .setDatatype("BYTES")
                            .addShape(1)
                            .addShape(1)
                            .setContents(
                                InferTensorContents.newBuilder()
                                    .addBytesContents(ByteString.copyFromUtf8(text))))
                    .build());
    if (answer.getRawOutputContentsCount() == 1) {
      return answer
          .getRawOutputContents(0)
          .asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN)
          .getFloat();
    }
    if (answer.getOutputsCount() != 1
        || answer.getOutputs(0).getContents().getFp32ContentsCount() != 1) {
      throw new IOException("MLServer answered: " + answer);
    }
    return answer.getOutputs(0).getContents().getFp32Contents(0);
  }

  private static ClassifierPeer overHttp(
      PythonPeer python,
      int port,
      String path,
      Function<String, Map<String, Object>> question,
      UnaryOperator<JsonNode> score) {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    URI uri = URI.create("http://127.0.0.1:" + port + path);
    return new ClassifierPeer(
        python,
        text -> {
          HttpResponse<byte[]> answer =
              client.send(
                  HttpRequest.newBuilder(uri)
                      .timeout(TIMEOUT)
                      .header("content-type", "application/json")
                      .POST(
                          BodyPublishers.ofByteArray(JSON.writeValueAsBytes(question.apply(text))))
                      .build(),
                  BodyHandlers.ofByteArray());
          JsonNode number = score.apply(JSON.readTree(answer.body()));
          if (answer.statusCode() != 200 || !number.isNumber()) {
            throw new IOException(
                answer.statusCode() + ": " + new String(answer.body(), StandardCharsets.UTF_8));
          }
          return number.asDouble();
        },
        client::shutdownNow);
  }

  private void awaitScore(Path log) throws IOException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      try {
        var unused = score("int ready = ");
        return;
      } catch (IOException | StatusRuntimeException notYet) {
        if (!python.process().isAlive() || System.nanoTime() > end) {
          throw new IOException(
              version()
                  + " does not score: "
                  + notYet.getMessage()
                  + ": "
                  + Files.readString(log).strip(),
              notYet);
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
    }
  }

  /** Its name and version, with those of its libraries. */
  String version() {
    return python.version();
  }

  /** The score of a text, not normalised. */
  double score(String text) throws IOException {
    try {
      return client.score(text);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Seconds that its processes have kept cores busy. */
  double cpuSeconds() {
    return ProcessCpu.seconds(python.process());
  }

  @Override
  public void close() {
    closeClient.run();
    python.close();
  }
}
