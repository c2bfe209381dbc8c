package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.ModelRepository.Override;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.testing.Await;
import io.ballast.testing.TritonInstallation;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the real Triton does beside inferring: caches, sequences, labels, health, metrics. */
class TritonExtensionsIT {
  private static final KServeClient CLIENT = SharedTriton.client();
  private static final ModelRepository REPOSITORY = CLIENT.repository();
  private static final ServedModel DOUBLE = ServedModel.of("double");

  private static ManagedChannel channel;

  @BeforeAll
  static void open() {
    channel = NettyChannelBuilder.forTarget(SharedTriton.server().address()).usePlaintext().build();
  }

  @AfterAll
  static void close() {
    channel.shutdownNow();
  }

  private static InferRequest twice(String model, float... x) {
    return InferRequest.of(model).input(Tensor.floats("X", List.of((long) x.length), x)).build();
  }

  /** Loads a model of the code of another, with a configuration of its own and more files. */
  private static void load(
      String model, String code, String config, Map<String, ByteString> files) {
    Map<String, ByteString> all = new TreeMap<>(files);
    try {
      all.put(
          "1/model.py",
          ByteString.copyFrom(
              Files.readAllBytes(
                  TritonInstallation.FILES.resolve("models/" + code + "/1/model.py"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    REPOSITORY.load(model, new Override(Optional.of(config), all));
  }

  /**
   * Unloads a model that was sent and waits: it leaves the index at once, but until its process has
   * ended the server is not ready.
   */
  private static void unload(String model) {
    REPOSITORY.unload(model);
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!CLIENT.ready()) {
      assertThat(System.nanoTime()).as("ready after unloading %s", model).isLessThan(end);
    }
  }

  private static String doubling(String model, String output, String more) {
    return """
        {"name":"%s","backend":"python","max_batch_size":0,
         "input":[{"name":"X","data_type":"TYPE_FP32","dims":[-1]}],
         "output":[{"name":"Y","data_type":"TYPE_FP32","dims":[-1]%s}],
         "instance_group":[{"kind":"KIND_CPU","count":1}]%s}"""
        .formatted(model, output, more);
  }

  private static ModelCounts cached() {
    return CLIENT.statistics(ServedModel.of("cached")).getFirst();
  }

  @Test
  void equalRequestsAreAnsweredFromTheCache() {
    load(
        "cached",
        "double",
        doubling("cached", "", ",\"response_cache\":{\"enable\":true}"),
        Map.of());

    for (float x : List.of(1f, 1f, 1f, 2f)) {
      assertThat(CLIENT.infer(twice("cached", x)).output("Y").floats()).containsExactly(2 * x);
    }

    // an execution is counted after its answer has left
    Await.until(() -> cached().executions() == 2);
    ModelCounts counts = cached();
    assertThat(counts.cacheHit().count()).isEqualTo(2);
    assertThat(counts.cacheMiss().count()).isEqualTo(2);
    unload("cached");
  }

  @Test
  void classesCarryTheLabelsOfTheModel() {
    load(
        "labelled",
        "double",
        doubling("labelled", ",\"label_filename\":\"labels.txt\"", ""),
        Map.of("labels.txt", ByteString.copyFromUtf8("setosa\nversicolor\nvirginica\n")));
    InferRequest best =
        InferRequest.of("labelled")
            .input(Tensor.floats("X", List.of(3L), 1, 3, 2))
            .output(new RequestedOutput("Y", 2, Optional.empty()))
            .build();

    assertThat(CLIENT.infer(best).output("Y").strings())
        .containsExactly("6.000000:1:versicolor", "4.000000:2:virginica");
    unload("labelled");
  }

  private static float sum(long sequence, float x, boolean start, boolean end) {
    InferRequest request =
        InferRequest.of("sequence")
            .input(Tensor.floats("X", List.of(1L, 1L), x))
            .parameter("sequence_id", ParameterValue.of(sequence))
            .parameter("sequence_start", ParameterValue.of(start))
            .parameter("sequence_end", ParameterValue.of(end))
            .build();
    return CLIENT.infer(request).output("SUM").floats()[0];
  }

  @Test
  void sequencesAreKeptApart() {
    assertThat(sum(7, 1, true, false)).isEqualTo(1);
    assertThat(sum(8, 10, true, false)).isEqualTo(10);
    assertThat(sum(7, 2, false, false)).isEqualTo(3);
    assertThat(sum(8, 20, false, true)).isEqualTo(30);
    assertThat(sum(7, 3, false, true)).isEqualTo(6);

    assertThat(failure(Reason.BAD_REQUEST, () -> sum(7, 1, false, false)))
        .contains("must specify the START flag on the first request");
    assertThat(failure(Reason.BAD_REQUEST, () -> sum(0, 1, true, true)))
        .contains("must specify a non-zero or non-empty correlation ID");
  }

  private static InferRequest call(String model) {
    return InferRequest.of("caller")
        .input(Tensor.floats("X", List.of(1L), 21))
        .input(Tensor.strings("MODEL", List.of(1L), model))
        .build();
  }

  @Test
  void aModelMayAskAnother() {
    assertThat(CLIENT.infer(call("double")).output("Y").floats()).containsExactly(42);
    assertThat(failure(Reason.SERVER_FAILED, () -> CLIENT.infer(call("nope"))))
        .contains("Model 'nope' is not ready");
  }

  @Test
  void aModelsOwnTimeoutHoldsWithoutOurs() {
    load(
        "impatient",
        "faulty",
        """
        {"name":"impatient","backend":"python","max_batch_size":1,
         "input":[{"name":"X","data_type":"TYPE_FP32","dims":[4]},
                  {"name":"MODE","data_type":"TYPE_STRING","dims":[1]},
                  {"name":"ARG","data_type":"TYPE_INT32","dims":[1],"optional":true}],
         "output":[{"name":"Y","data_type":"TYPE_FP32","dims":[4]}],
         "instance_group":[{"kind":"KIND_CPU","count":1}],
         "dynamic_batching":{"default_queue_policy":
           {"timeout_action":"REJECT","default_timeout_microseconds":100000}}}""",
        Map.of());
    CompletableFuture<InferAnswer> blocker =
        CLIENT.inferAsync(Requests.sleeper("impatient", "impatient", 20_000).build());
    SharedTriton.server().awaitNote("asleep impatient");

    assertThat(
            failure(
                Reason.EXPIRED, () -> CLIENT.infer(Requests.faulty("impatient", "ok", 0).build())))
        .isEqualTo("model 'impatient': Request timeout expired");

    blocker.cancel(true);
    unload("impatient");
  }

  @Test
  void compressedRequestsAreRead() {
    ClientInterceptor gzip =
        new ClientInterceptor() {
          @java.lang.Override
          public <Q, A> ClientCall<Q, A> interceptCall(
              MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return next.newCall(method, options.withCompression("gzip"));
          }
        };
    KServeClient client =
        new KServeClient(ClientInterceptors.intercept(channel, gzip), KServeSettings.defaults());
    float[] zeros = new float[10_000];

    assertThat(client.infer(twice("double", zeros)).output("Y").floats()).containsExactly(zeros);
  }

  @Test
  void otherHealthProtocolsSayTheSame() {
    assertThat(CLIENT.ready()).isTrue();
    assertThat(
            HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
    assertThat(SharedTriton.server().httpStatus("/v2/health/live")).isEqualTo(200);
    assertThat(SharedTriton.server().httpStatus("/v2/health/ready")).isEqualTo(200);
    assertThat(SharedTriton.server().httpStatus("/v2/models/double/ready")).isEqualTo(200);
    assertThat(SharedTriton.server().httpStatus("/v2/models/nope/ready")).isNotEqualTo(200);
  }

  @Test
  void metricsCountWhatTheStatisticsCount() {
    String metric = "nv_inference_request_success";
    double metered = SharedTriton.server().metric(metric, "double");
    long counted = CLIENT.statistics(DOUBLE).getFirst().success().count();

    CLIENT.infer(twice("double", 1));
    CLIENT.infer(twice("double", 2));

    assertThat(SharedTriton.server().metric(metric, "double") - metered).isEqualTo(2);
    assertThat(CLIENT.statistics(DOUBLE).getFirst().success().count() - counted).isEqualTo(2);
  }
}
