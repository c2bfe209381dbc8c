package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static io.ballast.inference.triton.Requests.faulty;
import static io.ballast.inference.triton.Requests.sleeper;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.ModelRepository.State;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.testing.RealTriton;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tritons and models that die, hang or keep silent. Each test has a server of its own. */
class TritonFaultsIT {
  private static final ServedModel FAULTY = ServedModel.of("faulty");
  private static final KServeSettings SETTINGS =
      KServeSettings.defaults()
          .withControlDeadline(Duration.ofSeconds(1))
          .withLoadDeadline(Duration.ofSeconds(15));

  private RealTriton server;
  private KServeConnection connection;
  private KServeClient client;

  @BeforeEach
  void start() {
    server = RealTriton.of("faulty", "double");
    connection = KServeConnection.open(server.address(), SETTINGS);
    client = connection.client();
  }

  @AfterEach
  void stop() {
    connection.close();
    server.close();
  }

  private void assertThatItAnswers() {
    assertThat(client.infer(faulty("ok").build()).output("Y").floats()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void aDeadStubStaysDeadAndReadyUntilItIsReloaded() {
    assertThat(failure(Reason.DEAD_STUB, () -> client.infer(faulty("exit").build())))
        .isEqualTo("model 'faulty': Stub process 'faulty_0_0' is not healthy.");
    failure(Reason.DEAD_STUB, () -> client.infer(faulty("ok").build()));
    assertThat(client.ready(FAULTY)).as("what the server says").isTrue();

    client.repository().load("faulty");
    failure(Reason.DEAD_STUB, () -> client.infer(faulty("ok").build()));

    client.repository().reload("faulty");
    assertThatItAnswers();
  }

  @Test
  void aRequestThatIsNeverAnsweredEndsAtOurDeadlineAndKeepsTheModelFromUnloading() {
    assertThat(
            failure(
                Reason.SILENT,
                () -> client.infer(faulty("nothing").deadline(Duration.ofMillis(500)).build())))
        .startsWith("model 'faulty': ");
    assertThatItAnswers();

    try (KServeConnection hasty =
        KServeConnection.open(
            server.address(), SETTINGS.withLoadDeadline(Duration.ofMillis(800)))) {
      hasty.client().repository().unload("faulty");
      assertThat(failure(Reason.SILENT, () -> hasty.client().repository().awaitUnloaded("faulty")))
          .isEqualTo("model 'faulty': still unloading");
    }
    assertThat(client.repository().index())
        .anyMatch(entry -> entry.model().equals("faulty") && entry.state() == State.UNLOADING);
  }

  @Test
  void aModelUnloadedInFlightAnswersFirst() {
    CompletableFuture<InferAnswer> inFlight =
        client.inferAsync(sleeper("faulty", "first", 600).build());
    server.awaitNote("asleep first");

    client.repository().unload("faulty");

    assertThat(inFlight.join().outputs()).hasSize(1);
    failure(Reason.UNKNOWN_MODEL, () -> client.infer(faulty("ok").build()));
    client.repository().load("faulty");
    assertThatItAnswers();
  }

  @Test
  void aServerThatDiesInFlightIsUnavailableAndIsFoundAgain() {
    CompletableFuture<InferAnswer> inFlight =
        client.inferAsync(sleeper("faulty", "lost", 10_000).build());
    server.awaitNote("asleep lost");

    server.kill();

    failure(
        Reason.UNAVAILABLE,
        () -> {
          try {
            inFlight.join();
          } catch (CompletionException e) {
            throw Objects.requireNonNull(e.getCause());
          }
        });
    assertThat(failure(Reason.UNAVAILABLE, () -> client.infer(faulty("ok").build())))
        .startsWith("model 'faulty': ");
    failure(Reason.UNAVAILABLE, client::live);

    server.restart();
    awaitLive();
    assertThatItAnswers();
  }

  @Test
  void aServerThatHangsIsSilentAndThenGoesOn() {
    assertThatItAnswers();
    server.freeze();

    failure(
        Reason.SILENT, () -> client.infer(faulty("ok").deadline(Duration.ofMillis(400)).build()));
    failure(Reason.SILENT, client::live);

    server.thaw();
    awaitLive();
    assertThatItAnswers();
  }

  @Test
  void aModelThatChangedUnderUsIsDescribedAnew() {
    assertThat(client.describe(ServedModel.of("double")).outputs().getFirst().shape())
        .containsExactly(-1L);
    try (KServeConnection other = KServeConnection.open(server.address(), SETTINGS)) {
      // somebody else gives the model a batch dimension; what we know of it is wrong now
      other
          .client()
          .repository()
          .load(
              "double",
              ModelRepository.Override.config(
                  """
                  {"name":"double","backend":"python","max_batch_size":4,
                   "input":[{"name":"X","data_type":"TYPE_FP32","dims":[-1]}],
                   "output":[{"name":"Y","data_type":"TYPE_FP32","dims":[-1]}],
                   "instance_group":[{"kind":"KIND_CPU","count":1}]}"""));
    }

    InferAnswer answer =
        client.infer(
            InferRequest.of("double").input(Tensor.floats("X", List.of(1L, 2L), 1, 2)).build());

    assertThat(answer.output("Y").floats()).containsExactly(2, 4);
    assertThat(client.describe(ServedModel.of("double")).maxBatchSize()).isEqualTo(4);
  }

  /** The channel tries again by itself, ever less often; the first tries may come too early. */
  private void awaitLive() {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    String last = "";
    while (true) {
      try {
        if (client.live()) {
          return;
        }
        last = "it says that it is not live";
      } catch (TritonException e) {
        assertThat(e.reason()).isIn(Reason.UNAVAILABLE, Reason.SILENT);
        last = String.valueOf(e.getMessage());
      }
      assertThat(System.nanoTime()).as(last).isLessThan(end);
      LockSupport.parkNanos(10_000_000);
    }
  }
}
