package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.triton.PlacedModels;
import io.ballast.inference.triton.PlacedScoring;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.adapter.CostUse;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.core.cost.CostCatalog;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;
import io.ballast.safety.testing.TestRuntime;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyCostModels;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import io.ballast.safety.wiring.SafetyModule;
import io.ballast.testing.Await;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.FakeTriton.Conduct;
import io.ballast.testing.ModuleInProcess;
import io.ballast.testing.Refusals;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A safety-server whose cost models run behind Triton, and what it makes of Triton's conduct. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TritonCostTest {
  /** {@code int a} and {@code = 1;} behind a space: a token for each byte. */
  private static final int PROMPT_TOKENS = 5;

  private static final int COMPLETION_TOKENS = 5;
  private static final int HEADS = 2;

  @TempDir private static Path models = Path.of(".");
  @TempDir private static Path repository = Path.of(".");
  private static Path entry = Path.of(".");

  @TempDir Path data;

  private final List<ModuleInProcess> servers = new ArrayList<>();

  @BeforeAll
  static void export() throws IOException {
    Path trunk = TinyCostModels.trunk(models);
    Path heads = TinyCostModels.heads(models, "tiny-cost", "1", ScoringKind.COST, HEADS, 5);
    entry =
        new TritonExport(repository, ExportOptions.defaults())
            .scoring("tiny-cost", List.of(new Version(1, heads)), reference -> trunk);
  }

  @AfterEach
  void stop() {
    servers.forEach(ModuleInProcess::close);
  }

  @Test
  void theHighestHeadOfTritonCountsAndTheAnswerTellsWhoseItIs() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      CostResponse response = cost(start(triton));

      assertThat(response.getModelVersion().getWeightsSha256())
          .isEqualTo(
              ModelManifest.read(models.resolve("tiny-cost/1"))
                  .flatMap(ModelManifest::weightsSha256)
                  .orElseThrow());
      CostResult result = response.getResults(0);
      double highest = FakeTriton.score(HEADS - 1, PROMPT_TOKENS, COMPLETION_TOKENS);
      assertThat(result.getValue().getHarmProbability())
          .isCloseTo(1 / (1 + Math.exp(-(1.5 * highest - 0.25))), within(1e-6));
      assertThat(result.getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
      assertThat(data.resolve("onnx")).doesNotExist();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Conduct.class,
      names = {"NOT_A_NUMBER", "RAISES", "WRONG_SHAPE"})
  void whatTritonMakesOfACompletionFailsTheItemAndBlocksIt(Conduct conduct) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      ManagedChannel channel = start(triton);
      triton.conduct(conduct);

      CostResult result = cost(channel).getResults(0);

      assertThat(result.getFailure().getReason().name()).endsWith("MODEL_ERROR");
      assertThat(result.getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Conduct.class,
      names = {"FORBIDDEN", "UNSUPPORTED", "FAILS"})
  void whatConcernsEverybodyIsNoVerdictOnACompletion(Conduct conduct) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      ManagedChannel channel = start(triton);
      triton.conduct(conduct);

      assertThat(fault(channel)).isEqualTo(Fault.DEPENDENCY_BROKEN);
    }
  }

  @Test
  void aVersionThatOnlyASilentServerHasIsNotNotFound() throws IOException {
    FakeTriton second = FakeTriton.start(entry);
    second.parameter("source_1", "tiny-cost/2");
    try (FakeTriton first = FakeTriton.start(entry)) {
      ManagedChannel channel = start(first.address() + "," + second.address());
      second.close();

      // a running safety test waits for DEPENDENCY_DOWN to pass, and fails at NOT_FOUND
      assertThat(fault(channel, "9")).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(fault(channel, "2")).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(cost(channel).getResults(0).hasFailure()).isFalse();
    }
  }

  @Test
  void foldersAreLookedThroughWhenAModelIsAskedForAndNotWhileATritonIsAway() throws IOException {
    AtomicInteger looks = new AtomicInteger();
    ScoringSource<CostModel, HeadScores> folders =
        new ScoringSource<>() {
          @Override
          public List<CostModel> list() {
            return List.of();
          }

          @Override
          public void refresh(String model) {
            looks.incrementAndGet();
          }

          @Override
          public Opened<HeadScores> open(CostModel model) {
            throw new AssertionError(model);
          }
        };
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    SafetyConfig config =
        SafetyConfig.from(TestSafety.properties(Map.of("triton.targets", gone.address())));
    try (PlacedScoring placed =
            new PlacedScoring(
                config.triton(),
                config.triton().open(name -> null),
                ScoringKind.COST,
                List.of("tiny-cost", "java-cost"),
                List.of(models),
                peer ->
                    new PeerGuard(
                        peer,
                        config.triton().peer(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SimpleMeterRegistry()));
        CostCatalog catalog =
            new CostCatalog(
                new PlacedModels<>(CostUse.of(), placed, folders),
                config.costs(),
                config.queue(),
                System::nanoTime)) {
      assertThat(catalog.flaws()).containsOnlyKeys("tiny-cost", "java-cost");

      catalog.retry();
      catalog.retry();

      assertThat(looks).hasValue(0);
      assertThat(
              catchThrowableOfType(
                      MeshException.class,
                      () -> catalog.resolve(VersionSelector.version("tiny-cost", "1")))
                  .fault())
          .isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(looks).hasValue(1);
    }
  }

  @Test
  void theLaneIsTritonsPriority() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      var unused =
          SafetyServiceGrpc.newBlockingStub(start(triton))
              .cost(
                  request()
                      .setMetadata(
                          RequestMetadata.newBuilder().setPriority(Priority.PRIORITY_BATCH))
                      .build());

      assertThat(triton.priorities()).containsExactly(3L);
    }
  }

  @Test
  void aTritonThatIsAwayStopsNothingAndItsReturnIsSeen() throws IOException {
    FakeTriton first = FakeTriton.start(entry);
    first.close();
    ManagedChannel channel = start(first);

    // not a made-up cost, and not a verdict: a safety test tries again
    assertThat(fault(channel)).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(servers.getFirst().module().flaws()).containsKey("tiny-cost 1");

    try (FakeTriton second = FakeTriton.startAt(first.port(), entry)) {
      Await.until(() -> servers.getFirst().module().flaws().isEmpty());
      Await.until(() -> answers(channel)); // its breaker may be open yet
      assertThat(cost(channel).getResults(0).hasFailure()).isFalse();
      assertThat(second.priorities()).isNotEmpty();
    }
    assertThat(fault(channel)).isEqualTo(Fault.DEPENDENCY_DOWN);
  }

  @Test
  void whatTritonHasNotIsNotFound() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      ManagedChannel channel = start(triton);

      assertThat(fault(channel, "9")).isEqualTo(Fault.UNKNOWN_MODEL);
    }
  }

  private ManagedChannel start(FakeTriton triton) {
    return start(triton.address());
  }

  private ManagedChannel start(String targets) {
    servers.add(
        ModuleInProcess.start(
            new SafetyModule(
                TestSafety.properties(
                    Map.of(
                        "cost-model",
                        "tiny-cost",
                        "context-gate",
                        "no-gate",
                        "triton.targets",
                        targets)),
                Optional.empty()),
            new TestRuntime(List.of(models), data)));
    return servers.getLast().channel();
  }

  private static CostRequest.Builder request() {
    return CostRequest.newBuilder().addItems(item("x", "int a", " = 1;"));
  }

  private static CostResponse cost(ManagedChannel channel) {
    return SafetyServiceGrpc.newBlockingStub(channel).cost(request().build());
  }

  private static boolean answers(ManagedChannel channel) {
    try {
      return cost(channel).getResultsCount() > 0;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private static Fault fault(ManagedChannel channel) {
    return Refusals.fault(() -> cost(channel));
  }

  private static Fault fault(ManagedChannel channel, String version) {
    return Refusals.fault(
        () ->
            SafetyServiceGrpc.newBlockingStub(channel)
                .cost(
                    request()
                        .setCostModel(ModelSelector.newBuilder().setVersion(version))
                        .build()));
  }
}
