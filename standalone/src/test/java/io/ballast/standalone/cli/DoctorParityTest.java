package io.ballast.standalone.cli;

import static io.ballast.standalone.cli.DoctorFindings.assertFound;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.grpc.Status;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** doctor mesh says whether a mesh's rewards score as they were published. */
class DoctorParityTest {
  private final FakeHttp http = new FakeHttp();

  @AfterEach
  void stop() {
    http.close();
  }

  /** Looks at all that there is, rewards too. */
  private Cli.Result prove(FakeMesh scoring, String... more) {
    return Cli.run(
        scoring,
        Stream.concat(Stream.of("doctor", "mesh", "--http-port", "" + http.port()), Stream.of(more))
            .toArray(String[]::new));
  }

  @Test
  void aRewardThatScoresAsItWasPublishedIsSaidToDoSo() {
    try (FakeMesh scoring = new FakeMesh(new FakeEnsemble(null))) {
      Cli.Result result = prove(scoring, "--json");

      assertThat(result.exit()).as(result.out()).isZero();
      assertFound(
          result, "parity", "GOOD", scoring.address() + ": the reward scores as it was published");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "AN_ITEM_IS_NOT_ANSWERED | ensemble: INTERNAL: 30 items asked for, 29 results given",
        "OTHER_WEIGHTS | golden scores: items[0], member 0: 2.0 (published: 2.1 ± 0.001)",
        "ZERO_FOR_WHAT_FAILED | failures: empty: reward 0.0 (expected: a failure, INVALID_INPUT)"
      })
  void aRewardThatLiesIsToMend(FakeEnsemble.Lie lie, String found) {
    try (FakeMesh lying = new FakeMesh(new FakeEnsemble(lie))) {
      Cli.Result result = prove(lying);

      assertThat(result.exit()).as(result.out()).isEqualTo(1);
      assertThat(result.out())
          .contains("MEND  parity        " + lying.address() + ": " + found + "\n", "To mend: 1");
      assertFound(prove(lying, "--json"), "parity", "BROKEN", found);
    }
  }

  @Test
  void aLieIsToldBeforeWhatIsMerelyUnproved() {
    FakeEnsemble rewards = new FakeEnsemble(FakeEnsemble.Lie.UNSCALED);
    rewards.golden = false;
    try (FakeMesh scoring = new FakeMesh(rewards)) {
      assertFound(prove(scoring, "--json"), "parity", "BROKEN", ": normalisation: probe-0, ");
    }
  }

  @Test
  void aRewardThatKeptNoScoresIsNotSaidToGiveThem() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.golden = false;
    try (FakeMesh scoring = new FakeMesh(rewards)) {
      Cli.Result result = prove(scoring);

      assertThat(result.exit()).as(result.out()).isZero();
      assertThat(result.out())
          .contains(
              "look  parity        "
                  + scoring.address()
                  + ": golden scores: taste/3: the server tells none\n",
              "→ nothing shows here that it scores as it was published",
              "It serves; 1 to look at");
    }
  }

  @Test
  void aRewardThatIsNotThereYetIsToldAndNotToMend() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.failure =
        new StatusMapper("reward-server")
            .judge(new MeshException(Fault.MODEL_LOADING, "taste is loading"))
            .answer();
    try (FakeMesh loading = new FakeMesh(rewards)) {
      Cli.Result result = prove(loading);

      assertThat(result.exit()).as(result.out()).isZero();
      assertThat(result.out())
          .contains(
              "look  parity        "
                  + loading.address()
                  + ": taste is loading; try again in a moment\n",
              "→ ./mesh doctor reward --target "
                  + loading.address()
                  + " says more; --no-parity leaves it out\n",
              "It serves; 1 to look at");
    }
  }

  @Test
  void aServerThatHasGoneBeforeItsRewardIsAskedIsNotTakenForNoMesh() {
    try (FakeMesh leaving = new FakeMesh()) {
      leaving.failure = Status.UNAVAILABLE;

      Cli.Result result = prove(leaving, "--json");

      assertThat(result.exit()).as(result.out()).isZero();
      assertFound(
          result, "parity", "WEAK", "does not answer at " + leaving.address() + ": UNAVAILABLE");
      assertThat(result.out()).doesNotContain("./mesh up");
    }
  }
}
