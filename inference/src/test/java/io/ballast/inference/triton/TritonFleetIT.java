package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.testing.RealTriton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two real Tritons behind one client. */
class TritonFleetIT {
  private static final ServedModel DOUBLE = ServedModel.of("double");
  private static final KServeSettings SETTINGS =
      KServeSettings.defaults()
          .withControlDeadline(Duration.ofSeconds(1))
          .withReadyInterval(Duration.ofMillis(100));

  private RealTriton one;
  private RealTriton two;
  private KServeFleet fleet;

  @BeforeEach
  void start() {
    one = RealTriton.of("double");
    two = RealTriton.of("double");
    fleet = KServeFleet.open(List.of(one.address(), two.address()), List.of(DOUBLE), SETTINGS);
  }

  @AfterEach
  void stop() {
    fleet.close();
    one.close();
    two.close();
  }

  private void infer() {
    InferAnswer answer =
        fleet
            .client()
            .infer(
                InferRequest.of(DOUBLE)
                    .deadline(Duration.ofSeconds(2))
                    .input(Tensor.floats("X", List.of(1L), 21))
                    .build());
    assertThat(answer.output("Y").floats()).containsExactly(42);
  }

  private long inferences(int server) {
    return fleet.servers().get(server).statistics(DOUBLE).getFirst().inferences();
  }

  /** Asks until only {@code server} answers: what is in effect after the next look at readiness. */
  private void awaitOnly(int server) {
    await(
        () -> {
          long before = inferences(server);
          int answered = 0;
          for (int i = 0; i < 6; i++) {
            try {
              infer();
              answered++;
            } catch (TritonException e) {
              assertThat(e.reason()).isIn(Reason.UNAVAILABLE, Reason.UNKNOWN_MODEL, Reason.SILENT);
            }
          }
          return answered == 6 && inferences(server) - before == 6;
        });
  }

  private void awaitBoth() {
    await(
        () -> {
          long first = inferences(0);
          long second = inferences(1);
          for (int i = 0; i < 6; i++) {
            infer();
          }
          return inferences(0) > first && inferences(1) > second;
        });
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
  }

  @Test
  void callsTakeTurnsAndLeaveOutWhoDoesNotServeTheModel() {
    awaitBoth();

    fleet.servers().get(0).repository().unload("double");
    awaitOnly(1);

    fleet.servers().get(0).repository().load("double");
    awaitBoth();
  }

  @Test
  void aServerThatDiedIsLeftOutUntilItIsBack() {
    awaitBoth();

    one.kill();
    awaitOnly(1);

    one.restart();
    await(
        () -> {
          try {
            awaitBoth();
            return true;
          } catch (TritonException e) {
            assertThat(e.reason()).isIn(Reason.UNAVAILABLE, Reason.SILENT);
            return false;
          }
        });
  }

  @Test
  void aServerThatHangsIsLeftOutUntilItGoesOn() {
    awaitBoth();

    two.freeze();
    awaitOnly(0);

    two.thaw();
    await(
        () -> {
          try {
            awaitBoth();
            return true;
          } catch (TritonException e) {
            assertThat(e.reason()).isIn(Reason.UNAVAILABLE, Reason.SILENT);
            return false;
          }
        });
  }

  @Test
  void whenNoneIsLeftThatIsSaidOfEach() {
    awaitBoth();
    one.kill();
    two.kill();

    // in between calls also fail as the connections do
    List<String> said = new ArrayList<>();
    await(
        () -> {
          said.add(failure(Reason.UNAVAILABLE, this::infer));
          return said.getLast().startsWith("model 'double': no server is ready; ");
        });

    assertThat(said.getLast()).doesNotContain(one.address(), two.address());
    assertThat(fleet.noneReady().orElseThrow())
        .contains(one.address() + ": model 'double': ", two.address() + ": model 'double': ");
  }
}
