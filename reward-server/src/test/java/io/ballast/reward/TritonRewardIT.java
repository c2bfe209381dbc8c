package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.RealTriton;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A reward-server before a real Triton of the committed ensemble, beside one that runs it itself.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class TritonRewardIT {
  private static final Path MODELS = Path.of("..", "models");

  /** Raw scores are sums of products of 32 bits in another order; here they are 3 to 8 large. */
  private static final double TOLERANCE = 1e-3;

  private static final List<String> PROMPTS =
      List.of(
          "for (int i = 0; i < ", "public static void main(String[] args) {\n    ", "", "int a ");
  private static final List<String> COMPLETIONS =
      List.of("list.size(); i++) {", "banana", "= 1;", "return value;\n  }\n}");

  @TempDir Path repository;
  @TempDir Path data;

  private final List<AutoCloseable> opened = new ArrayList<>();
  private final List<RewardModule> modules = new ArrayList<>();
  private final List<FixedRuntime> runtimes = new ArrayList<>();

  @BeforeEach
  void export() throws IOException {
    new TritonExport(repository, ExportOptions.defaults())
        .scoring(
            "java-reward",
            List.of(new Version(1, MODELS.resolve("java-reward/1"))),
            trunk -> MODELS.resolve(trunk.model()).resolve(trunk.version()));
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  @Test
  void nobodyAboveCanTellUntilTritonIsGone() throws IOException {
    RewardServiceBlockingStub here = start(Map.of());
    RealTriton triton = triton();
    RewardServiceBlockingStub there = start(Map.of("triton.targets", triton.address()));
    ScoreResponse expected = here.score(everything());

    assertThatSame(there.score(everything()), expected);

    triton.kill();
    assertThat(fault(there)).isEqualTo(Fault.DEPENDENCY_DOWN);
    await(() -> modules.getLast().flaws().containsKey("java-reward 1"));

    triton.startAgain();
    await(() -> modules.getLast().flaws().isEmpty());
    await(() -> answers(there)); // the breaker opens for two seconds
    assertThatSame(there.score(everything()), expected);

    triton.freeze();
    assertThat(fault(there)).isEqualTo(Fault.DEPENDENCY_DOWN);
    triton.thaw();
    await(() -> answers(there));
  }

  @Test
  void aPersonDoesNotWaitForAFlood() throws Exception {
    RealTriton triton = triton();
    RewardServiceBlockingStub there = start(Map.of("triton.targets", triton.address()));
    assertThat(answers(there)).isTrue();
    ScoreRequest.Builder flood = ScoreRequest.newBuilder();
    for (int i = 0; i < 2_000; i++) {
      flood.addItems(TestReward.item("", "int a" + i + " = ", "b" + i + ".size() + " + i + ";"));
    }
    flood.setMetadata(RequestMetadata.newBuilder().setPriority(Priority.PRIORITY_BATCH));
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<ScoreResponse> batch = executor.submit(() -> there.score(flood.build()));
      await(() -> waiting() > 0);

      for (int i = 0; i < 3; i++) {
        assertThat(answers(there)).isTrue();
      }

      assertThat(batch.isDone()).as("the flood, after three calls of a person").isFalse();
      assertThat(batch.get().getResultsList())
          .allSatisfy(item -> assertThat(item.hasValue()).isTrue());
    }
  }

  private int waiting() {
    return (int) runtimes.getLast().meters().get("ballast.reward.waiting.tokens").gauge().value();
  }

  private static void assertThatSame(ScoreResponse response, ScoreResponse expected) {
    assertThat(response.getModelVersion()).isEqualTo(expected.getModelVersion());
    assertThat(response.getResultsCount()).isEqualTo(expected.getResultsCount());
    for (int i = 0; i < expected.getResultsCount(); i++) {
      ScoreResult result = response.getResults(i);
      ScoreResult other = expected.getResults(i);
      assertThat(result.hasValue()).isEqualTo(other.hasValue());
      assertThat(result.getFailure().getReason()).isEqualTo(other.getFailure().getReason());
      assertThat(result.getValue()).isCloseTo(other.getValue(), within(TOLERANCE));
      assertThat(result.getSpread()).isCloseTo(other.getSpread(), within(TOLERANCE));
      assertThat(result.getMembersCount()).isEqualTo(other.getMembersCount());
      for (int k = 0; k < other.getMembersCount(); k++) {
        assertThat(result.getMembers(k).getModelVersion())
            .isEqualTo(other.getMembers(k).getModelVersion());
        assertThat(result.getMembers(k).getRawScore())
            .isCloseTo(other.getMembers(k).getRawScore(), within(TOLERANCE));
        assertThat(result.getMembers(k).getNormalisedScore())
            .isCloseTo(other.getMembers(k).getNormalisedScore(), within(TOLERANCE));
      }
    }
  }

  /** Each completion after each prompt, and what cannot be scored. */
  private static ScoreRequest everything() {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    for (String prompt : PROMPTS) {
      for (String completion : COMPLETIONS) {
        request.addItems(TestReward.item("", prompt, completion));
      }
    }
    return request
        .addItems(TestReward.item("", "int a", ""))
        .addItems(TestReward.item("", "int a", "x + ".repeat(300)))
        .build();
  }

  private RealTriton triton() {
    RealTriton triton = RealTriton.start(repository, List.of("java-reward"));
    opened.add(triton);
    return triton;
  }

  private RewardServiceBlockingStub start(Map<String, String> properties) throws IOException {
    Map<String, String> all = new HashMap<>();
    properties.forEach((name, value) -> all.put("ballast.reward." + name, value));
    RewardModule module = new RewardModule(TestReward.properties(all));
    modules.add(module);
    FixedRuntime runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(MODELS), data) {
          @Override
          public InstantSource clock() {
            return InstantSource.system(); // open breakers wait by it
          }
        };
    runtimes.add(runtime);
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
    return RewardServiceGrpc.newBlockingStub(channel);
  }

  private static ScoreRequest one() {
    return ScoreRequest.newBuilder()
        .addItems(TestReward.item("", PROMPTS.getFirst(), COMPLETIONS.getFirst()))
        .build();
  }

  private static boolean answers(RewardServiceBlockingStub reward) {
    try {
      return reward.score(one()).getResults(0).hasValue();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private static Fault fault(RewardServiceBlockingStub reward) {
    return PeerFaults.reason(
            catchThrowableOfType(StatusRuntimeException.class, () -> reward.score(one())))
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
