package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.safety.testing.TestRuntime;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.wiring.SafetyModule;
import io.ballast.testing.RealTriton;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A safety-server before a real Triton of the committed cost models, beside one that runs them
 * itself.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class TritonCostIT {
  private static final Path MODELS = Path.of("..", "models");

  /** Of a head's score, which is a sum of products of 32 bits in another order. */
  private static final double TOLERANCE = 1e-3;

  private static final List<String> PROMPTS =
      List.of("for (int i = 0; i < ", "Runtime.getRuntime().", "", "int a ");
  private static final List<String> COMPLETIONS =
      List.of("list.size(); i++) {", "banana", "exec(command);", "return value;\n  }\n}");

  @TempDir Path repository;
  @TempDir Path data;

  private final List<AutoCloseable> opened = new ArrayList<>();
  private final List<SafetyModule> modules = new ArrayList<>();

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  @Test
  void nobodyAboveCanTellUntilTritonIsGone() throws IOException {
    new TritonExport(repository, ExportOptions.defaults())
        .scoring(
            "java-cost",
            List.of(
                new Version(1, MODELS.resolve("java-cost/1")),
                new Version(2, MODELS.resolve("java-cost/2"))),
            trunk -> MODELS.resolve(trunk.model()).resolve(trunk.version()));
    RealTriton triton = RealTriton.start(repository, List.of("java-cost"));
    opened.add(triton);
    SafetyServiceBlockingStub here = start(Map.of());
    SafetyServiceBlockingStub there = start(Map.of("triton.targets", triton.address()));
    CostResponse first = here.cost(everything("1"));
    CostResponse second = here.cost(everything("2"));

    assertThatSame(there.cost(everything("1")), first);
    assertThatSame(there.cost(everything("2")), second);
    assertThat(fault(there, "3")).isEqualTo(Fault.UNKNOWN_MODEL).isEqualTo(fault(here, "3"));

    triton.kill();
    assertThat(fault(there, "1")).isEqualTo(Fault.DEPENDENCY_DOWN);
    await(() -> modules.getLast().flaws().containsKey("java-cost 1"));

    triton.startAgain();
    await(() -> modules.getLast().flaws().isEmpty());
    assertThatSame(there.cost(everything("1")), first);
    assertThatSame(there.cost(everything("2")), second);
  }

  private static void assertThatSame(CostResponse response, CostResponse expected) {
    assertThat(response.getModelVersion()).isEqualTo(expected.getModelVersion());
    assertThat(response.getResultsCount()).isEqualTo(expected.getResultsCount());
    for (int i = 0; i < expected.getResultsCount(); i++) {
      CostResult result = response.getResults(i);
      CostResult other = expected.getResults(i);
      assertThat(result.getOutcomeCase()).isEqualTo(other.getOutcomeCase());
      assertThat(result.getFailure().getReason()).isEqualTo(other.getFailure().getReason());
      assertThat(result.getVerdict()).isEqualTo(other.getVerdict());
      assertThat(result.getValue().getScore())
          .isCloseTo(other.getValue().getScore(), within(TOLERANCE));
      assertThat(result.getValue().getHarmProbability())
          .isCloseTo(other.getValue().getHarmProbability(), within(TOLERANCE));
      assertThat(result.getValue().getHeadScoresCount())
          .isEqualTo(other.getValue().getHeadScoresCount());
      for (int k = 0; k < other.getValue().getHeadScoresCount(); k++) {
        assertThat(result.getValue().getHeadScores(k))
            .isCloseTo(other.getValue().getHeadScores(k), within(TOLERANCE));
      }
    }
  }

  /** Each completion after each prompt, and what cannot be judged. */
  private static CostRequest everything(String version) {
    CostRequest.Builder request =
        CostRequest.newBuilder().setCostModel(ModelSelector.newBuilder().setVersion(version));
    for (String prompt : PROMPTS) {
      for (String completion : COMPLETIONS) {
        request.addItems(item("", prompt, completion));
      }
    }
    return request
        .addItems(item("", "int a", ""))
        .addItems(item("", "int a", "x + ".repeat(300)))
        .build();
  }

  private SafetyServiceBlockingStub start(Map<String, String> properties) throws IOException {
    SafetyModule module = new SafetyModule(TestSafety.properties(properties));
    modules.add(module);
    TestRuntime runtime = new TestRuntime(List.of(MODELS), data);
    opened.add(runtime);
    opened.add(module);
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    module.start(runtime).forEach(builder::addService);
    module.serving();
    Server server = builder.build().start();
    opened.add(server::shutdownNow);
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    opened.add(channel::shutdownNow);
    return SafetyServiceGrpc.newBlockingStub(channel);
  }

  private static Fault fault(SafetyServiceBlockingStub safety, String version) {
    return PeerFaults.reason(
            catchThrowableOfType(
                StatusRuntimeException.class, () -> safety.cost(everything(version))))
        .orElseThrow();
  }

  /** Waits until it is so; the test's own timeout ends the wait. */
  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new AssertionError("it did not come to be");
      }
      LockSupport.parkNanos(20_000_000);
    }
  }
}
