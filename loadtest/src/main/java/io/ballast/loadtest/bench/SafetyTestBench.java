package io.ballast.loadtest.bench;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResult;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * A safety test beside what a client would do by hand: the same prompts sampled and judged in calls
 * of the same size, one after the other, with nothing stored, claimed, bounded or signed. Each pass
 * has prompts of its own, since a test uses its prompts up.
 */
final class SafetyTestBench {
  private static final int PROMPTS = 1_000;
  private static final int MAX_NEW_TOKENS = 24;
  private static final int CHUNK = 32;
  private static final String MODEL = "java-tiny";
  private static final String COST_MODEL = "java-cost";
  private static final double GOAL = 1.15;
  private static final int MOST_PAIRS = 5;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Path script;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;
  private long prompts;

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work where the mesh's data may be
   * @param progress told after each pair
   */
  SafetyTestBench(Path script, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.work = work;
    this.repetitions = repetitions;
    this.progress = progress;
  }

  /** How often {@code progress} is told. */
  static int steps(int repetitions) {
    return Pairs.measured(pairs(repetitions));
  }

  private static int pairs(int repetitions) {
    return Math.min(MOST_PAIRS, repetitions);
  }

  List<Figure> run() {
    try (MeshUnderTest mesh =
        MeshUnderTest.start(script, work.resolve("safety-test"), Map.of(), PATIENCE)) {
      PolicyServiceBlockingStub policy = PolicyServiceGrpc.newBlockingStub(mesh.channel());
      SafetyServiceBlockingStub safety = SafetyServiceGrpc.newBlockingStub(mesh.channel());
      return List.of(
          Pairs.measure(
                  pairs(repetitions),
                  () -> testMillis(safety, next()),
                  () -> byHandMillis(policy, safety, next()),
                  progress)
              .figure(
                  "safety test of %,d prompts, beside Sample and Cost by hand".formatted(PROMPTS),
                  "ms a prompt",
                  new Goal.RatioAtMost(GOAL)));
    }
  }

  private List<String> next() {
    long first = prompts;
    prompts += PROMPTS;
    return LongStream.range(first, prompts).mapToObj(BenchTexts::context).toList();
  }

  private double testMillis(SafetyServiceBlockingStub safety, List<String> prompts) {
    SafetyTestSpec spec =
        SafetyTestSpec.newBuilder()
            .setCandidate(ModelVersion.newBuilder().setModel(MODEL).setVersion("1"))
            .setCostModel(ModelSelector.newBuilder().setModel(COST_MODEL))
            .addAllPrompts(prompts)
            .setThreshold(0.5)
            .setDelta(0.1)
            .setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING)
            .setSampling(sampling())
            .setAccountLooks(Pairs.measured(pairs(repetitions)))
            .build();
    long start = System.nanoTime();
    String id =
        safety
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .startSafetyTest(
                StartSafetyTestRequest.newBuilder().setMetadata(metadata()).setSpec(spec).build())
            .getTest()
            .getTestId();
    SafetyTest test =
        safety
            .withDeadlineAfter(10, TimeUnit.MINUTES)
            .getSafetyTest(
                GetSafetyTestRequest.newBuilder()
                    .setMetadata(metadata())
                    .setTestId(id)
                    .setWait(true)
                    .build())
            .getTest();
    double millis = millisAPrompt(start);
    return switch (test.getState()) {
      case SAFETY_TEST_STATE_PASSED, SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> millis;
      default ->
          throw new IllegalStateException(
              "the safety test ended as " + test.getState() + ": " + test.getFailureMessage());
    };
  }

  private static double byHandMillis(
      PolicyServiceBlockingStub policy, SafetyServiceBlockingStub safety, List<String> prompts) {
    long start = System.nanoTime();
    for (int from = 0; from < prompts.size(); from += CHUNK) {
      List<String> chunk = prompts.subList(from, Math.min(prompts.size(), from + CHUNK));
      SampleRequest.Builder request =
          SampleRequest.newBuilder()
              .setMetadata(metadata())
              .setPolicy(ModelSelector.newBuilder().setModel(MODEL).setVersion("1"))
              .setCompletionsCount(1)
              .setSampling(sampling().toBuilder().setSeed(from))
              .setHealCursor(true);
      chunk.forEach(prompt -> request.addPrompts(text(prompt)));
      List<SampleResult> drawn =
          policy.withDeadlineAfter(60, TimeUnit.SECONDS).sample(request.build()).getResultsList();
      List<CostItem> items = new ArrayList<>();
      for (int i = 0; i < chunk.size(); i++) {
        String completion = drawn.get(i).getGroup().getCompletions(0).getText();
        if (!completion.isBlank()) { // nothing to judge: the test counts it as harm by itself
          items.add(
              CostItem.newBuilder()
                  .setPrompt(text(chunk.get(i)))
                  .setCompletion(text(completion))
                  .build());
        }
      }
      CostRequest judged =
          CostRequest.newBuilder()
              .setMetadata(metadata())
              .setCostModel(ModelSelector.newBuilder().setModel(COST_MODEL))
              .addAllItems(items)
              .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
              .build();
      requireCosts(safety.withDeadlineAfter(60, TimeUnit.SECONDS).cost(judged));
    }
    return millisAPrompt(start);
  }

  /** An item that is refused costs nothing, and would make the baseline look fast. */
  private static void requireCosts(CostResponse answer) {
    for (CostResult result : answer.getResultsList()) {
      if (!result.hasValue()) {
        throw new IllegalStateException("no cost: " + result.getFailure().getMessage());
      }
    }
  }

  private static double millisAPrompt(long start) {
    return (System.nanoTime() - start) / 1e6 / PROMPTS;
  }

  private static SamplingOptions sampling() {
    return SamplingOptions.newBuilder()
        .setTemperature(1)
        .setMaxNewTokens(MAX_NEW_TOKENS)
        .addStopStrings("\n")
        .build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder()
        .setTenant("bench")
        .setPriority(Priority.PRIORITY_BATCH)
        .build();
  }
}
