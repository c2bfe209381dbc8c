package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Has one run after the other learn, and looks at it all the time. */
final class RunningClient {
  static final int ITERATIONS = 4;

  /** Of an iteration. */
  static final int COMPLETIONS = 4;

  private static final int SEEDS = 1_000_003;
  private static final Duration PERIOD = Duration.ofMillis(100);
  private static final long CALL_SECONDS = 60;
  private static final Set<RunState> UNDER_WAY =
      EnumSet.of(
          RunState.RUN_STATE_QUEUED, RunState.RUN_STATE_LEARNING, RunState.RUN_STATE_TESTING);

  private final SteadyLoad load;
  private final String name;
  private final Channel orchestrator;
  private final List<String> runs = new ArrayList<>(); // under this
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private int iterations; // of the last run, as it was seen last

  /**
   * @param name of its runs, which no other client's have
   */
  RunningClient(SteadyLoad load, String name, int port) {
    this.load = load;
    this.name = name;
    orchestrator = load.channel(port);
    create();
    load.client(PERIOD, this::look);
  }

  private synchronized void create() {
    RequestMetadata metadata =
        TestCalls.metadata().toBuilder().setIdempotencyKey(name + " " + runs.size()).build();
    runs.add(
        RunServiceGrpc.newBlockingStub(orchestrator)
            .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(metadata)
                    .setSpec(spec(name + runs.size()))
                    .build())
            .getRun()
            .getRunId());
    iterations = 0;
  }

  private synchronized void look() {
    long begin = System.nanoTime();
    GetRunResponse run = TestCalls.run(orchestrator, runs.getLast());
    if (run.getIterationsCount() < iterations) {
      throw new AssertionError(
          "%d iterations were durable, and are %d".formatted(iterations, run.getIterationsCount()));
    }
    iterations = run.getIterationsCount();
    load.rate().succeeded(begin);
    RunState state = run.getRun().getState();
    if (state == RunState.RUN_STATE_FAILED) {
      failures.add(run.getRun().getMessage());
    }
    if (!UNDER_WAY.contains(state)) {
      create();
    }
  }

  /** The runs in the order of their creation; the last may be under way. */
  synchronized List<String> runs() {
    return List.copyOf(runs);
  }

  /** What those said that failed, one of them perhaps more than once. */
  Queue<String> failures() {
    return failures;
  }

  /** Fails unless a run comes to its end, with each iteration once and no sample twice. */
  static void assertWentOnToItsEnd(Channel orchestrator, String runId) {
    Run ended = TestCalls.awaitEnd(orchestrator, runId);
    assertThat(ended.getState())
        .as("%s", ended.getMessage())
        .isIn(RunState.RUN_STATE_HELD, RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(TestCalls.run(orchestrator, runId).getIterationsList())
        .allSatisfy(
            each ->
                assertThat(each.getSamplesCount() + each.getDroppedCount()).isEqualTo(COMPLETIONS))
        .extracting(IterationMetrics::getIteration)
        .containsExactlyElementsOf(IntStream.rangeClosed(1, ITERATIONS).boxed().toList());
  }

  /**
   * @param own of this run: a held-out prompt serves one test, and so do weights
   */
  static String spec(String own) {
    return """
    name: %s
    algorithm: GRPO
    iterations: %d
    seed: %d
    rollout: {prompts_per_iteration: 2, completions_per_prompt: 2, max_new_tokens: 8}
    constraint: {enabled: false}
    prompts: {inline: ["int size = ", "return "]}
    safety_test:
      threshold: 0.3
      max_new_tokens: 8
      prompts: {inline: ["int a_%s = ", "for (b_%s", "if (c_%s", "while (d_%s", "int e_%s", "f_%s("]}
    kl: {stop_at: 20}
    promotion: NEVER
    """
        .formatted(
            own, ITERATIONS, Math.floorMod(own.hashCode(), SEEDS), own, own, own, own, own, own);
  }
}
