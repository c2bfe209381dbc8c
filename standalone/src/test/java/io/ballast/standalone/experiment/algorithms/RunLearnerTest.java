package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.Priority;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Spent;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A curve has the weights that a run's iterations leave, each with the tokens that led to it. */
class RunLearnerTest {
  private static final List<Algorithm> ALGORITHMS = List.of(Algorithm.GRPO, Algorithm.DPO);
  private static final AlgorithmsPlan EACH = AlgorithmsPlan.standard(ALGORITHMS, 2, 3);
  private static final AlgorithmsPlan EVERY_SECOND = AlgorithmsPlan.standard(ALGORITHMS, 2, 12);
  private static final RunPrompts PROMPTS =
      new RunPrompts(texts("prompt", 100), texts("test", 4 * RunSpecs.HELD_OUT), List.of());
  private static final PinnedVersion START =
      new PinnedVersion(RunSpecs.MODEL, RunSpecs.VERSION, FakeMesh.WEIGHTS);

  @TempDir private Path folder = Path.of("");
  private final FakeMesh mesh;
  private int iterations;

  RunLearnerTest() throws IOException {
    this.mesh = new FakeMesh();
  }

  private static List<String> texts(String of, int count) {
    return IntStream.range(0, count).mapToObj(i -> of + " " + i).toList();
  }

  /** What the second and the third iteration sample from, and what is learned in the end. */
  @BeforeEach
  void weights() throws IOException {
    weights("java-tiny-rollout/run-2", "1.5");
    weights("java-tiny-rollout/run-3", "2.5");
    weights("java-tiny/candidate", "3.5");
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  private Path models() {
    return folder.resolve("data/models");
  }

  private void weights(String version, String gold) throws IOException {
    Files.writeString(Files.createDirectories(models().resolve(version)).resolve("weights"), gold);
  }

  /** What is copied, and not what the mesh may delete. */
  private Gold measure(Path weights, int seed) {
    try {
      assertThat(weights).hasParent(folder.resolve("work"));
      return new Gold(
          List.of(Double.parseDouble(Files.readString(weights.resolve("weights"))), seed + 0.0));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private LearningCurve learn(AlgorithmsPlan plan, Algorithm algorithm) throws IOException {
    return learn(
        plan, algorithm, OfflinePairs.through(mesh.channel(), plan, PROMPTS.learning(), START));
  }

  private LearningCurve learn(AlgorithmsPlan plan, Algorithm algorithm, OfflinePairs pairs)
      throws IOException {
    return new RunLearner(
            plan,
            PROMPTS,
            mesh.channel(),
            pairs,
            folder.resolve("data"),
            folder.resolve("work"),
            this::measure,
            Runnable::run)
        .learn(algorithm, 1, () -> iterations++);
  }

  private static Point point(int iteration, long tokens, double weights) {
    return new Point(iteration, tokens, (weights + 1) / 2); // the second position tells the seed
  }

  @Test
  void whatAnIterationSamplesFromIsWhatTheOneBeforeItLeft() throws IOException {
    LearningCurve curve = learn(EACH, Algorithm.GRPO);
    assertThat(curve.points())
        .containsExactly(point(1, 1_000, 1.5), point(2, 2_000, 2.5), point(Point.LAST, 3_000, 3.5));
    assertThat(curve.gold()).isEqualTo(new Gold(List.of(3.5, 1.0)));
    assertThat(curve.spent()).isEqualTo(new Spent(3, 3_000, "", "budget.tokens is used up"));
    assertThat(curve.complete()).isTrue();
    assertThat(iterations).isEqualTo(3);
    assertThat(folder.resolve("work")).as("copies are deleted").isEmptyDirectory();
    assertThat(models().resolve("java-tiny-rollout/run-3")).isNotEmptyDirectory();
  }

  @Test
  void weightsAreMeasuredAsOftenAsThePlanSays() throws IOException {
    assertThat(learn(EVERY_SECOND, Algorithm.GRPO).points())
        .containsExactly(point(2, 2_000, 2.5), point(Point.LAST, 3_000, 3.5));
  }

  @Test
  void eachRunIsAskedForByItsSpecWithPromptsOfItsOwn() throws IOException {
    var unused = learn(EACH, Algorithm.GRPO);
    CreateRunRequest request = mesh.asked(CreateRunRequest.class).getFirst();
    assertThat(request.getMetadata().getPriority()).isEqualTo(Priority.PRIORITY_TRAINER);
    assertThat(request.getSpec())
        .contains("algorithm: GRPO\n")
        .contains("seed: 1\n")
        .contains("budget: {tokens: 3072}")
        // of the first algorithm the second seed: those from 6 on, and no evaluation
        .contains("[\"test 6\",\"test 7\",\"test 8\",\"test 9\"]")
        .doesNotContain("test 10");
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "RUN_STATE_HELD",
        "RUN_STATE_NO_SOLUTION_FOUND",
        "RUN_STATE_REFUSED",
        "RUN_STATE_PROMOTED"
      })
  void aCandidateIsMeasuredWhateverItsTestSays(RunState end) throws IOException {
    mesh.end = end;
    LearningCurve curve = learn(EACH, Algorithm.GRPO);
    assertThat(curve.complete()).isTrue();
    assertThat(curve.points()).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource(names = {"RUN_STATE_STOPPED", "RUN_STATE_FAILED", "RUN_STATE_CANCELLED"})
  void aRunWithoutACandidateSaysWhyAndHowFarItCame(RunState end) throws IOException {
    mesh.end = end;
    LearningCurve curve = learn(EACH, Algorithm.GRPO);
    assertThat(curve.failure()).isEqualTo(end + ": as the test says");
    assertThat(curve.spent()).isEqualTo(new Spent(3, 3_000, "", "budget.tokens is used up"));
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void aRunThatHasEndedBeforeItsIterationsAreToldLosesNone() throws IOException {
    mesh.meanwhile = RunState.RUN_STATE_HELD;
    mesh.doneBefore = 3;
    LearningCurve curve = learn(EACH, Algorithm.GRPO);
    assertThat(curve.points()).hasSize(3);
    assertThat(curve.spent().tokens()).isEqualTo(3_000);
    assertThat(iterations).isEqualTo(3);
  }

  @Test
  void whatIsRefusedIsAFailedRunAndTheOthersGoOn() throws IOException {
    mesh.refusal = Status.INVALID_ARGUMENT.withDescription("budget: none");
    LearningCurve curve = learn(EACH, Algorithm.GRPO);
    assertThat(curve.failure()).startsWith("refused: ").contains("budget: none");
    assertThat(curve.spent()).isEqualTo(new Spent(0, 0, "", ""));
  }

  @Test
  void whereTheMeshIsGoneTheComparisonEnds() {
    mesh.refusal = Status.UNAVAILABLE;
    assertThatThrownBy(() -> learn(EACH, Algorithm.GRPO))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("the mesh is gone");
  }

  @Test
  void aStreamThatEndsBeforeItsRunIsNoCurve() {
    mesh.end = RunState.RUN_STATE_TESTING;
    assertThatThrownBy(() -> learn(EACH, Algorithm.GRPO))
        .isInstanceOf(IOException.class)
        .hasMessage("run run: the stream ended before the run");
  }

  @Test
  void weightsThatAreGoneAreAPointLess() throws IOException {
    Files.delete(models().resolve("java-tiny-rollout/run-2/weights"));
    Files.delete(models().resolve("java-tiny-rollout/run-2"));
    assertThat(learn(EACH, Algorithm.GRPO).points())
        .containsExactly(point(2, 2_000, 2.5), point(Point.LAST, 3_000, 3.5));
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void weightsThatAreThereAndCannotBeCopiedAreNotPassedOver() throws IOException {
    Files.delete(models().resolve("java-tiny-rollout/run-2/weights"));
    Files.delete(models().resolve("java-tiny-rollout/run-2"));
    Files.writeString(models().resolve("java-tiny-rollout/run-2"), "a file");
    assertThatThrownBy(() -> learn(EACH, Algorithm.GRPO)).isInstanceOf(UncheckedIOException.class);
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void pairsAreMadeOnTheMeshAndTheirTokensCountByTheShareThatIsLearned() throws IOException {
    LearningCurve curve = learn(EACH, Algorithm.DPO);

    // 16 prompts of 8 completions of 8 tokens are 1,024: three iterations reach 3,072
    assertThat(curve.points())
        .containsExactly(point(1, 1_024, 1.5), point(2, 2_048, 2.5), point(Point.LAST, 3_072, 3.5));
    // 3 × 16 of the 46 that could be read
    assertThat(curve.spent().from())
        .isEqualTo("48 pairs, 2 of them left out, 1.04 passes over the others");
    assertThat(curve.spent().tokens()).isEqualTo(3_072);
    assertThat(mesh.asked(CreateRunRequest.class).getFirst().getSpec())
        .contains("algorithm: DPO\n")
        .contains("iterations: 3\n")
        .contains("prompts: {pairs: preferences/pairs-1.jsonl, max_bad_rows: 16}")
        .contains("[\"test 22\",\"test 23\"]");
    assertThat(Files.readAllLines(folder.resolve("data/preferences/pairs-1.jsonl")))
        .hasSize(48)
        .allSatisfy(
            line -> assertThat(line).contains("\"chosen\":\"xxxxxxxx\",\"rejected\":\"x\""));
    List<SampleRequest> sampled = mesh.asked(SampleRequest.class);
    assertThat(sampled).hasSize(3);
    assertThat(sampled.getFirst().getPolicy().getVersion()).isEqualTo(RunSpecs.VERSION);
    assertThat(sampled.getFirst().getMetadata().getPriority()).isEqualTo(Priority.PRIORITY_TRAINER);
    assertThat(mesh.asked(ScoreRequest.class).getFirst().getRewardModel().getModel())
        .isEqualTo("java-reward");
  }

  @Test
  void pairsThatWereMadeOfOtherWeightsAreAFailedRunAndTheOthersGoOn() throws IOException {
    mesh.weights = "cd".repeat(32);
    LearningCurve curve = learn(EACH, Algorithm.DPO);
    assertThat(curve.failure()).startsWith("pairs: policy-server: sampled from weights cd");
    assertThat(mesh.asked(CreateRunRequest.class)).isEmpty();
  }

  @Test
  void fewerPairsThanAnIterationTakesAreAFailedRun() throws IOException {
    mesh.indifferent = true;
    LearningCurve curve = learn(EACH, Algorithm.DPO);
    assertThat(curve.failure()).isEqualTo("0 pairs (expected: those of an iteration, 16)");
    assertThat(curve.spent().tokens()).as("sampled for nothing").isEqualTo(3_072);
  }

  @Test
  void aMeshThatIsLostWhilePairsAreMadeEndsTheComparison() {
    OfflinePairs pairs =
        new OfflinePairs(
            EACH,
            PROMPTS.learning(),
            START,
            _ -> {
              throw new MeshException(Fault.DEPENDENCY_DOWN, "policy-server is away");
            },
            (_, _, _) -> List.of());
    assertThatThrownBy(() -> learn(EACH, Algorithm.DPO, pairs))
        .isInstanceOf(IOException.class)
        .hasMessage("the mesh is gone: policy-server is away");
  }
}
