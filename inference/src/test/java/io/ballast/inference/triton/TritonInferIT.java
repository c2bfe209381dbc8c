package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static io.ballast.inference.triton.Requests.faulty;
import static io.ballast.inference.triton.Requests.sleeper;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.ModelDescription.TensorPromise;
import io.ballast.inference.triton.TritonException.Reason;
import io.grpc.Context;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the real Triton does with one request and one answer, and what we make of it. */
class TritonInferIT {
  private static final KServeClient CLIENT = SharedTriton.client();

  @BeforeEach
  void clearNotes() {
    SharedTriton.server().clearNotes();
  }

  @Test
  void theServerSaysWhoItIs() {
    assertThat(CLIENT.live()).isTrue();
    assertThat(CLIENT.ready()).isTrue();
    assertThat(CLIENT.server().name()).isEqualTo("triton");
    assertThat(CLIENT.server().version()).isEqualTo("2.51.0");
    assertThat(CLIENT.server().extensions())
        .contains("model_repository", "system_shared_memory", "statistics", "trace", "logging");
  }

  @Test
  void aModelIsReadyOrNotOrUnknown() {
    assertThat(CLIENT.ready(ServedModel.of("identity"))).isTrue();
    assertThat(CLIENT.ready(new ServedModel("versions", "1"))).isFalse();
    assertThat(CLIENT.ready(ServedModel.of("nope"))).isFalse();
  }

  @Test
  void aModelIsDescribed() {
    ModelDescription faulty = CLIENT.describe(ServedModel.of("faulty"));

    assertThat(faulty.platform()).isEqualTo("python");
    assertThat(faulty.maxBatchSize()).isEqualTo(4);
    assertThat(faulty.decoupled()).isFalse();
    assertThat(faulty.inputs())
        .containsExactly(
            new TensorPromise("X", TensorType.FP32, List.of(-1L, 4L), false),
            new TensorPromise("MODE", TensorType.BYTES, List.of(-1L, 1L), false),
            new TensorPromise("ARG", TensorType.INT32, List.of(-1L, 1L), true));
    assertThat(CLIENT.describe(ServedModel.of("repeat")).decoupled()).isTrue();
    assertThat(CLIENT.config(ServedModel.of("queued")).getDynamicBatching().getPriorityLevels())
        .isEqualTo(3);
  }

  @Test
  void everyTypeComesBackBitForBit() {
    List<Long> shape = List.of(1L, 3L);
    List<Tensor> tensors =
        List.of(
            Tensor.floats("FP32", shape, Float.NaN, -0.0f, Float.MIN_VALUE),
            Tensor.doubles("FP64", shape, Double.NaN, -0.0, Double.MAX_VALUE),
            Tensor.halves("FP16", shape, 1.5f, -0.0f, 65_504f),
            Tensor.longs("INT64", shape, Long.MIN_VALUE, 0, Long.MAX_VALUE),
            Tensor.integers("INT8", TensorType.INT8, shape, -128, 0, 127),
            Tensor.integers("UINT16", TensorType.UINT16, shape, 0, 1, 65_535),
            Tensor.bools("BOOL", shape, true, false, true),
            Tensor.bytes(
                "BYTES",
                shape,
                List.of(
                    new byte[] {0, -1}, new byte[0], "schön".getBytes(StandardCharsets.UTF_8))));
    for (Tensor tensor : tensors) {
      InferAnswer answer =
          CLIENT.infer(InferRequest.of("identity").id("t-1").input(tensor).build());
      assertThat(answer.outputs()).containsExactly(tensor);
      assertThat(answer.id()).isEqualTo("t-1");
      assertThat(answer.model()).isEqualTo(new ServedModel("identity", "1"));
    }
  }

  @Test
  void aTensorOf64MebibytesPasses() {
    Tensor large = Tensor.floats("FP32", List.of(1L, 16L << 20), new float[16 << 20]);

    InferAnswer answer = CLIENT.infer(InferRequest.of("identity").input(large).build());

    assertThat(answer.output("FP32").content().size()).isEqualTo(64 << 20);
  }

  @Test
  void anAnswerLargerThanAMessageMayBeIsNamedSo() {
    KServeSettings small =
        new KServeSettings(
            Duration.ofSeconds(10),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            1_024,
            1,
            16,
            true,
            Duration.ofSeconds(1),
            false,
            KServeSecurity.none());
    try (KServeConnection connection =
        KServeConnection.open(SharedTriton.server().address(), small)) {
      InferRequest request =
          InferRequest.of("identity")
              .input(Tensor.floats("FP32", List.of(1L, 4_096L), new float[4_096]))
              .build();

      assertThat(failure(Reason.TOO_LARGE, () -> connection.client().infer(request)))
          .contains("1024");
    }
  }

  @Test
  void anEnsembleAnswersAsOneModel() {
    InferAnswer answer =
        CLIENT.infer(
            InferRequest.of("chain").input(Tensor.floats("IN", List.of(2L), 1, -3)).build());

    assertThat(answer.output("OUT").floats()).containsExactly(4, -12);
  }

  @Test
  void manyRequestsShareExecutions() {
    long before = executions();
    List<CompletableFuture<InferAnswer>> answers = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      answers.add(
          CLIENT.inferAsync(
              InferRequest.of("identity")
                  .input(Tensor.floats("FP32", List.of(1L, 1L), i))
                  .build()));
    }
    for (int i = 0; i < 64; i++) {
      assertThat(answers.get(i).join().output("FP32").floats()).containsExactly(i);
    }
    assertThat(executions() - before).isLessThan(64);
    ModelCounts counts = CLIENT.statistics(ServedModel.of("identity")).getFirst();
    assertThat(counts.success().count()).isGreaterThanOrEqualTo(64);
    assertThat(counts.executionsByRows().keySet()).anyMatch(rows -> rows > 1);
    assertThat(counts.queue().count()).isGreaterThanOrEqualTo(64);
    assertThat(counts.computeInfer().time()).isPositive();
    assertThat(counts.lastInference()).isPresent();
  }

  private static long executions() {
    return CLIENT.statistics(ServedModel.of("identity")).getFirst().executions();
  }

  @Test
  void badRequestsAreNamedAsTritonNamesThem() {
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () ->
                    CLIENT.infer(
                        InferRequest.of("identity")
                            .input(Tensor.floats("FP32", List.of(9L, 1L), new float[9]))
                            .build())))
        .isEqualTo("model 'identity': inference request batch-size must be <= 8 for 'identity'");
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () ->
                    CLIENT.infer(
                        InferRequest.of("identity")
                            .input(Tensor.floats("X", List.of(1L, 1L), 0))
                            .build())))
        .isEqualTo("model 'identity': unexpected inference input 'X' for model 'identity'");
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () ->
                    CLIENT.infer(
                        InferRequest.of("identity")
                            .input(Tensor.longs("FP32", List.of(1L, 1L), 0))
                            .build())))
        .contains("data-type is 'INT64', but model 'identity' expects 'FP32'");
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () ->
                    CLIENT.infer(
                        InferRequest.of("faulty")
                            .input(Tensor.floats("X", List.of(1L, 3L), 0, 0, 0))
                            .input(Tensor.strings("MODE", List.of(1L, 1L), "ok"))
                            .build())))
        .contains("shape");
    assertThat(failure(Reason.BAD_REQUEST, () -> CLIENT.infer(faulty("ok").output("nope").build())))
        .contains("unexpected inference output 'nope'");
  }

  @Test
  void anUnknownModelOrVersionIsNamed() {
    InferRequest unknown =
        InferRequest.of("nope").input(Tensor.floats("X", List.of(1L), 0)).build();
    InferRequest version =
        InferRequest.of(new ServedModel("identity", "7"))
            .input(Tensor.floats("FP32", List.of(1L, 1L), 0))
            .build();

    assertThat(failure(Reason.UNKNOWN_MODEL, () -> CLIENT.infer(unknown)))
        .isEqualTo("model 'nope': Request for unknown model: 'nope' is not found");
    assertThat(failure(Reason.UNKNOWN_MODEL, () -> CLIENT.infer(version)))
        .isEqualTo(
            "model 'identity' version 7: Request for unknown model: 'identity' version 7 is not"
                + " found");
  }

  @ParameterizedTest
  @CsvSource({"0, SERVER_FAILED", "1, UNAVAILABLE", "2, BAD_REQUEST", "3, MODEL_FAILED"})
  void theModelsOwnErrorsKeepTheirKind(int code, Reason reason) {
    assertThat(failure(reason, () -> CLIENT.infer(faulty("faulty", "error", code).build())))
        .isEqualTo("model 'faulty': asked to fail");
  }

  @Test
  void anExceptionInTheModelIsTheModels() {
    assertThat(failure(Reason.MODEL_FAILED, () -> CLIENT.infer(faulty("raise").build())))
        .contains("Failed to process the request(s) for model", "RuntimeError: asked to raise");
    assertThat(CLIENT.infer(faulty("ok").build()).output("Y").floats()).containsExactly(1, 2, 3, 4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "shape | output 'Y': shape [1, 7] (promised: [-1, 4])",
        "dtype | output 'Y': INT32 (promised: FP32)",
        "rows | output 'Y': 2 rows (the request has 1)",
        "absent | answered without the output 'Y'",
      })
  void whatTritonLetsThroughIsNotBelieved(String mode, String why) {
    assertThat(failure(Reason.WRONG_ANSWER, () -> CLIENT.infer(faulty(mode).build())))
        .isEqualTo("model 'faulty': " + why);
    CompletionException later =
        org.assertj.core.api.Assertions.catchThrowableOfType(
            CompletionException.class, () -> CLIENT.inferAsync(faulty(mode).build()).join());
    assertThat(later.getCause()).hasMessage("model 'faulty': " + why);
  }

  @Test
  void anOutputOfAnotherNameIsNotBelieved() {
    failure(Reason.WRONG_ANSWER, () -> CLIENT.infer(faulty("name").build()));
  }

  @ParameterizedTest
  @CsvSource({"fewer", "more"})
  void notAsManyAnswersAsRequestsIsTheModelsFault(String mode) {
    failure(Reason.WRONG_ANSWER, () -> CLIENT.infer(faulty(mode).build()));
  }

  @Test
  void aDecoupledModelDoesNotAnswerOnce() {
    assertThat(failure(Reason.UNSUPPORTED, () -> CLIENT.infer(Requests.repeat(1, "").build())))
        .contains("ModelInfer RPC doesn't support models with decoupled transaction policy");
  }

  @Test
  void ourDeadlineFreesTheModel() {
    InferRequest request =
        sleeper("faulty", "hasty", 20_000).deadline(Duration.ofMillis(300)).build();

    failure(Reason.SILENT, () -> CLIENT.infer(request));

    SharedTriton.server().awaitNote("cancelled hasty");
    assertThat(CLIENT.infer(faulty("ok").build()).outputs()).hasSize(1);
  }

  @Test
  void aCancelledFutureFreesTheModel() {
    CompletableFuture<InferAnswer> answer =
        CLIENT.inferAsync(sleeper("faulty", "left", 20_000).build());
    SharedTriton.server().awaitNote("asleep left");

    answer.cancel(true);

    SharedTriton.server().awaitNote("cancelled left");
  }

  @Test
  void aCallersContextReachesTheModel() throws Exception {
    try (Context.CancellableContext caller = Context.current().withCancellation();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var failure =
          threads.submit(
              () ->
                  caller.call(
                      () ->
                          failure(
                              Reason.CANCELLED,
                              () -> CLIENT.infer(sleeper("faulty", "context", 20_000).build()))));
      SharedTriton.server().awaitNote("asleep context");

      caller.cancel(new IllegalStateException("the caller left"));

      failure.get(10, TimeUnit.SECONDS);
      SharedTriton.server().awaitNote("cancelled context");
    }
  }

  @Test
  void aFullQueueRefuses() {
    // one runs, one is taken out to wait for the instance, four wait; the rest is refused
    List<CompletableFuture<InferAnswer>> answers = new ArrayList<>();
    answers.add(CLIENT.inferAsync(sleeper("queued", "first", 700).build()));
    SharedTriton.server().awaitNote("asleep first");
    for (int i = 0; i < 11; i++) {
      answers.add(CLIENT.inferAsync(faulty("queued", "ok", 0).build()));
    }
    List<String> refused = new ArrayList<>();
    int answered = 0;
    for (CompletableFuture<InferAnswer> answer : answers) {
      try {
        assertThat(answer.join().outputs()).hasSize(1);
        answered++;
      } catch (CompletionException e) {
        refused.add(failure(Reason.QUEUE_FULL, () -> rethrow(e)));
      }
    }
    assertThat(answered).isBetween(5, 6);
    assertThat(refused)
        .hasSize(12 - answered)
        .containsOnly("model 'queued': Exceeds maximum queue size");
  }

  @Test
  void aRequestCancelledWhileItWaitsIsNeverRun() {
    CompletableFuture<InferAnswer> blocker =
        CLIENT.inferAsync(sleeper("queued", "blocker", 20_000).build());
    SharedTriton.server().awaitNote("asleep blocker");
    List<CompletableFuture<InferAnswer>> waiting = new ArrayList<>();
    for (String id : List.of("one", "two", "three")) {
      waiting.add(CLIENT.inferAsync(sleeper("queued", id, 0).build()));
      awaitPending(waiting.size());
    }

    long failed = failed();

    waiting.getLast().cancel(true);
    assertThat(CLIENT.live()).as("what comes after it has been read, so has it").isTrue();
    blocker.cancel(true);

    assertThat(waiting.get(0).join().outputs()).hasSize(1);
    assertThat(waiting.get(1).join().outputs()).hasSize(1);
    awaitPending(0); // it kept its place until its turn
    assertThat(failed() - failed).isEqualTo(1);
    assertThat(SharedTriton.server().notes())
        .contains("asleep one", "asleep two")
        .doesNotContain("asleep three");
  }

  private static long failed() {
    return CLIENT.statistics(ServedModel.of("queued")).getFirst().fail().count();
  }

  /** Waits until so many requests wait for the model's instance. */
  private static void awaitPending(int requests) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (SharedTriton.server().metric("nv_inference_pending_request_count", "queued")
        != requests) {
      assertThat(System.nanoTime()).as("until %d requests wait", requests).isLessThan(end);
    }
  }

  /**
   * The server looks at its queue every half second: requests whose times end a tenth of a second
   * after one another are refused together, at one of its looks or at two.
   */
  @Test
  void waitingTooLongExpiresInSteps() {
    CompletableFuture<InferAnswer> blocker =
        CLIENT.inferAsync(sleeper("queued", "blocker", 25_000).build());
    SharedTriton.server().awaitNote("asleep blocker");
    List<Long> looks = new ArrayList<>();
    do {
      looks.add(looks(expire(List.of(100, 200, 300, 400))));
    } while (looks.getLast() > 2 && looks.size() < 3); // a busy machine may tear one look apart

    assertThat(looks.getLast())
        .as("times at which four requests expired: %s", looks)
        .isBetween(1L, 2L);
    assertThat(blocker).as("the instance was busy all the time").isNotDone();
    blocker.cancel(true);
  }

  /**
   * Returns when requests with these queue timeouts expired, in nanoseconds since they were sent.
   */
  private static List<Long> expire(List<Integer> millis) {
    long sent = System.nanoTime();
    List<CompletableFuture<Long>> expired = new ArrayList<>();
    for (int timeout : millis) {
      expired.add(
          CLIENT
              .inferAsync(
                  faulty("queued", "ok", 0).queueTimeout(Duration.ofMillis(timeout)).build())
              .handle(
                  (answer, failure) -> {
                    long after = System.nanoTime() - sent;
                    assertThat(failure)
                        .isInstanceOf(TritonException.class)
                        .hasMessage("model 'queued': Request timeout expired")
                        .extracting("reason")
                        .isEqualTo(Reason.EXPIRED);
                    assertThat(Duration.ofNanos(after))
                        .as("waited at least as long as it might")
                        .isGreaterThanOrEqualTo(Duration.ofMillis(timeout));
                    return after;
                  }));
    }
    return expired.stream().map(CompletableFuture::join).toList();
  }

  /** Returns how many different times these are: those within 60 ms of one another are one. */
  private static long looks(List<Long> nanos) {
    List<Long> sorted = nanos.stream().sorted().toList();
    long looks = 1;
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i) - sorted.get(i - 1) > Duration.ofMillis(60).toNanos()) {
        looks++;
      }
    }
    return looks;
  }

  @Test
  void aTimeoutWithoutQueuePolicyIsIgnored() {
    InferRequest request =
        faulty("faulty", "sleep", 300).queueTimeout(Duration.ofMillis(1)).build();

    assertThat(CLIENT.infer(request).outputs()).hasSize(1);
  }

  @Test
  void theHighestPriorityGoesFirst() {
    CompletableFuture<InferAnswer> blocker =
        CLIENT.inferAsync(sleeper("queued", "blocker", 1_500).build());
    SharedTriton.server().awaitNote("asleep blocker");
    List<Integer> arrived = Collections.synchronizedList(new ArrayList<>());
    List<CompletableFuture<Void>> answers = new ArrayList<>();
    for (int priority : List.of(3, 2, 1)) {
      answers.add(
          CLIENT
              .inferAsync(faulty("queued", "order", 0).priority(priority).build())
              .thenAccept(
                  answer -> arrived.add(100 * (int) answer.output("Y").floats()[0] + priority)));
    }
    answers.forEach(CompletableFuture::join);
    blocker.join();

    // how many were answered before, and whose answer it was
    assertThat(arrived.stream().sorted().map(both -> both % 100).toList()).containsExactly(1, 2, 3);
  }

  @Test
  void aPriorityBelowTheModelsLastIsTaken() {
    assertThat(CLIENT.infer(faulty("queued", "ok", 0).priority(9).build()).outputs()).hasSize(1);
  }

  @Test
  void classesComeAsTexts() {
    InferAnswer answer =
        CLIENT.infer(faulty("ok").output(new RequestedOutput("Y", 2, Optional.empty())).build());

    assertThat(answer.output("Y").strings()).containsExactly("4.000000:3", "3.000000:2");
  }

  private static void rethrow(CompletionException e) throws Throwable {
    throw Objects.requireNonNull(e.getCause());
  }
}
