package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.TargetAddress;
import io.ballast.loadtest.scenario.Phase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process of a load does what its order says, when the word is said. */
class WorkerMainTest {
  private static final List<Phase> PHASES =
      List.of(new Phase("hold", Phase.Shape.HOLD, 100, 100, Duration.ofMillis(200), true));

  private static final Credentials SECRET = new Credentials("secret", Optional.empty());

  @TempDir private Path folder = Path.of("");

  private Path file = Path.of("");

  @BeforeEach
  void aScenario() throws IOException {
    file =
        Files.writeString(
            folder.resolve("scenario.yaml"),
            """
            arrivals: EVEN
            phases: [{rate: 1, duration: 1h}]
            mix: [{call: SUGGEST}]
            generator: {calibration: 100ms}
            """);
  }

  private WorkerOrder order(TargetAddress address) {
    return new WorkerOrder(file, PHASES, new MeshPlace(address, address, SECRET, "run"), 1, 2);
  }

  private static List<String> served(String orders) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WorkerMain.serve(
        new StringReader(orders),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        Credentials.NONE);
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void anOrderIsALineWithoutTheToken() throws IOException {
    WorkerOrder order = order(TargetAddress.parse("127.0.0.1:1"));
    assertThat(order.line()).doesNotContain("secret").hasLineCount(1);
    assertThat(WorkerOrder.of(order.line(), SECRET)).isEqualTo(order);
    assertThat(order.scenario().phases()).isEqualTo(PHASES);
  }

  @Test
  void itSendsItsPartAndWritesWhatItSaw() throws IOException {
    try (NullMesh mesh = new NullMesh()) {
      WorkerOrder order = order(mesh.address());
      List<String> lines = served(order.line() + "\nGO\n");

      assertThat(lines).hasSize(2);
      LoadPart part = LoadPart.of(new ObjectMapper().readTree(lines.getLast()), order.scenario());
      assertThat(lines.getFirst()).isEqualTo("READY " + part.ceiling());
      assertThat(part.figures().total().answered()).as("half of the load, 20 calls").isEqualTo(10);
      assertThat(part.plus(part).figures().total().answered()).isEqualTo(20);
    }
  }

  @Test
  void whatIsNotToldToBeginSendsNothing() throws IOException {
    try (NullMesh mesh = new NullMesh()) {
      assertThat(served(order(mesh.address()).line() + "\n"))
          .hasSize(1)
          .allMatch(line -> line.startsWith("READY "));
    }
    assertThat(served("")).isEmpty();
  }

  @Test
  void aMeshThatIsNotThereIsNamed() throws IOException {
    TargetAddress address;
    try (NullMesh mesh = new NullMesh()) {
      address = mesh.address();
    }
    assertThat(served(order(address).line() + "\nGO\n"))
        .containsExactly(
            "REFUSED true nothing answers at "
                + address
                + "; start a mesh with ./mesh up or name another with --target");
  }
}
