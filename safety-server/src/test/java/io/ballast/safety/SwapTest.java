package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateStageAnswer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An operator's file swaps cost model and gate again and again under callers: none fails, and no
 * answer is of two versions. {@code -Dballast.test.swaps=N} swaps N times there and back.
 */
class SwapTest {
  private static final int SWAPS = Integer.getInteger("ballast.test.swaps", 50);
  private static final Map<String, Double> THRESHOLDS = Map.of("1", 0.25, "2", 0.5);

  @TempDir Path root;

  private final AtomicBoolean swapping = new AtomicBoolean(true);

  @Test
  void noCallFailsAndNoAnswerIsOfTwoVersions() throws Exception {
    writeGates();
    Path file = serve("1");
    try (TestSafety mesh = start(file);
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Object>> kinds =
          List.of(() -> costs(mesh), () -> generation(mesh), () -> display(mesh));
      CountDownLatch started = new CountDownLatch(2 * kinds.size());
      List<Future<Integer>> callers = new ArrayList<>();
      for (int i = 0; i < 2 * kinds.size(); i++) {
        Callable<Object> kind = kinds.get(i % kinds.size());
        callers.add(executor.submit(() -> callOn(kind, started)));
      }
      started.await();
      try {
        for (int i = 0; i < SWAPS; i++) {
          swapTo(mesh, "2");
          swapTo(mesh, "1");
        }
      } finally {
        swapping.set(false);
      }
      for (Future<Integer> caller : callers) {
        assertThat(caller.get()).isPositive();
      }
    }
  }

  @Test
  void whatCannotServeLeavesWhatServes() throws Exception {
    writeGates();
    Path file = serve("1");
    try (TestSafety mesh = start(file)) {
      Files.writeString(file, "java-cost=3\njava-gate-context=2\njava-gate-suggestion=9\n");
      mesh.lookAtServingFile();

      assertThat(costs(mesh).getModelVersion().getVersion()).isEqualTo("1");
      assertThat(generation(mesh).getModelVersion().getVersion())
          .as("one stage alone is not swapped")
          .isEqualTo("1");
      swapTo(mesh, "2");
      Files.writeString(file, "");
      mesh.lookAtServingFile();
      assertThat(costs(mesh).getModelVersion().getVersion())
          .as("as the properties say")
          .isEqualTo("1");
      assertThat(display(mesh).getModelVersion().getVersion()).isEqualTo("1");
    }
  }

  @Test
  void eachTurnIsToldOnceAlsoOneThatWasMadeWhileTheServerWasDown() throws Exception {
    Path file = Files.writeString(root.resolve("serving"), "java-cost=1\n");
    Map<String, String> properties = Map.of("serving-file", file.toString());
    try (TestSafety mesh = TestSafety.start(properties)) {
      mesh.lookAtServingFile();
      assertThat(turns(mesh)).as("as the properties say").isEmpty();

      Files.writeString(file, "java-cost=2\n");
      mesh.lookAtServingFile();
      mesh.lookAtServingFile();
      assertThat(turns(mesh)).containsExactly("1 to 2");

      Files.writeString(file, "java-cost=3\n"); // which cannot be loaded
      mesh.lookAtServingFile();
      assertThat(turns(mesh)).containsExactly("1 to 2");

      Files.writeString(file, "java-cost=2\n");
      try (TestSafety again = mesh.startBeside(properties)) {
        again.lookAtServingFile();
        assertThat(turns(again)).as("a replica, or a restart").containsExactly("1 to 2");
      }
      Files.writeString(file, "");
      try (TestSafety again = mesh.startBeside(properties)) {
        assertThat(turns(again)).containsExactly("1 to 2", "2 to 1");
      }
      mesh.lookAtServingFile();
      assertThat(turns(mesh)).containsExactly("1 to 2", "2 to 1");
    }
  }

  @Test
  void theGatesTurnIsToldOfBothItsModels() throws Exception {
    writeGates();
    Path file = serve("1");
    try (TestSafety mesh = start(file)) {
      mesh.lookAtServingFile();
      swapTo(mesh, "2");

      assertThat(entries(mesh))
          .extracting(entry -> entry.path("subject").asText())
          .containsExactlyInAnyOrder("java-cost", "java-gate-context", "java-gate-suggestion");
      assertThat(entries(mesh))
          .allSatisfy(
              entry -> {
                assertThat(entry.path("actor").asText()).isEqualTo("the operator's serving file");
                assertThat(entry.path("principal").asText()).isEqualTo("the server itself");
                assertThat(entry.at("/details/from").asText()).isEqualTo("1");
                assertThat(entry.at("/details/to").asText()).isEqualTo("2");
                assertThat(entry.at("/details/from_sha256").asText()).hasSize(64);
                assertThat(entry.at("/details/to_sha256").asText()).hasSize(64);
              });
    }
  }

  private static List<String> turns(TestSafety mesh) {
    return entries(mesh).stream()
        .map(entry -> entry.path("details"))
        .map(details -> details.path("from").asText() + " to " + details.path("to").asText())
        .toList();
  }

  private static List<JsonNode> entries(TestSafety mesh) {
    return new PostgresAudit("safety", mesh.database)
        .after(0, 100).stream()
            .map(SwapTest::content)
            .filter(entry -> entry.path("action").asText().equals("model.turn"))
            .toList();
  }

  private static JsonNode content(AuditEntry entry) {
    try {
      return new ObjectMapper().readTree(entry.content());
    } catch (JsonProcessingException e) {
      throw new AssertionError(entry.content(), e);
    }
  }

  private TestSafety start(Path file) {
    return TestSafety.start(root, Map.of("serving-file", file.toString()));
  }

  private int callOn(Callable<Object> kind, CountDownLatch started) throws Exception {
    int calls = 0;
    started.countDown();
    while (swapping.get()) {
      var unused = kind.call();
      calls++;
    }
    return calls;
  }

  private void swapTo(TestSafety mesh, String version) throws IOException {
    serve(version);
    mesh.lookAtServingFile();
    assertThat(costs(mesh).getModelVersion().getVersion()).isEqualTo(version);
    assertThat(generation(mesh).getModelVersion().getVersion()).isEqualTo(version);
    assertThat(display(mesh).getModelVersion().getVersion()).isEqualTo(version);
  }

  private Path serve(String version) throws IOException {
    return Files.writeString(
        root.resolve("serving"),
        "java-cost=%1$s\njava-gate-context=%1$s\njava-gate-suggestion=%1$s\n".formatted(version));
  }

  private void writeGates() throws IOException {
    byte[] context = TinyGates.trees(GateStage.CONTEXT, "line_characters", 10);
    byte[] suggestion = TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10);
    for (Map.Entry<String, Double> one : THRESHOLDS.entrySet()) {
      var unused =
          TinyGates.write(
              root,
              "java-gate-context",
              one.getKey(),
              TinyGates.spec(GateStage.CONTEXT, one.getValue(), 1, 0),
              context);
      unused =
          TinyGates.write(
              root,
              "java-gate-suggestion",
              one.getKey(),
              TinyGates.spec(GateStage.SUGGESTION, one.getValue(), 0, 0),
              suggestion);
    }
  }

  private static CostResponse costs(TestSafety mesh) {
    List<String> texts = List.of("a", "bb", "ccc");
    CostRequest.Builder request = CostRequest.newBuilder();
    texts.forEach(text -> request.addItems(item(text, "p", text)));
    CostResponse answer = mesh.safety().cost(request.build());
    boolean two = answer.getModelVersion().getVersion().equals("2");
    for (int i = 0; i < texts.size(); i++) {
      assertThat(answer.getResults(i).getValue().getHarmProbability())
          .isCloseTo(
              two ? FakeCostModels.harmlessToTwo(texts.get(i)) : FakeCostModels.HARMLESS,
              within(1e-9));
    }
    return answer;
  }

  private static GateStageAnswer generation(TestSafety mesh) {
    return requireOne(
        mesh.gate()
            .decideGeneration(
                DecideGenerationRequest.newBuilder().setPrompt("x").setExplorationSeed(1).build())
            .getAnswer());
  }

  private static GateStageAnswer display(TestSafety mesh) {
    return requireOne(
        mesh.gate()
            .decideDisplay(
                DecideDisplayRequest.newBuilder()
                    .setPrompt("x")
                    .setSuggestion("y")
                    .addLogProbs(-1)
                    .setExplorationSeed(1)
                    .build())
            .getAnswer());
  }

  private static GateStageAnswer requireOne(GateStageAnswer answer) {
    assertThat(answer.getThreshold())
        .isEqualTo(THRESHOLDS.get(answer.getModelVersion().getVersion()));
    return answer;
  }
}
