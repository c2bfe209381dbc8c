package io.ballast.loadtest.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Timestamp;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Learning runs of GRPO on a mesh, created, watched and ended as a user's are: sampled by the
 * policy-server, judged by reward- and safety-server, each iteration durable before the next.
 */
final class RunUnderTest {
  private static final int TEST_PROMPTS = 8;

  /** By which a run of any staleness has to correct what older weights sampled. */
  private static final int IMPORTANCE_CAP = 2;

  /** A completion that ends at once has no token, and is dropped; more are a fault. */
  private static final double LEAST_SHARE = 0.8;

  private static final Set<RunState> ENDED =
      Set.of(
          RunState.RUN_STATE_HELD,
          RunState.RUN_STATE_NO_SOLUTION_FOUND,
          RunState.RUN_STATE_REFUSED);
  private static final Set<RunState> FAILED =
      Set.of(RunState.RUN_STATE_FAILED, RunState.RUN_STATE_STOPPED, RunState.RUN_STATE_CANCELLED);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RunServiceBlockingStub runs;
  private final String reward;
  private final List<String> prompts;
  private int created;

  /**
   * Binds what is measured.
   *
   * @param mesh all four servers
   * @param reward {@code reward} of a spec
   * @param prompts to learn from
   */
  RunUnderTest(MeshUnderTest mesh, String reward, List<String> prompts) {
    this.runs = RunServiceGrpc.newBlockingStub(mesh.channel());
    this.reward = reward;
    this.prompts = List.copyOf(prompts);
  }

  /**
   * An iteration.
   *
   * @param tokens of its completions
   * @param begin the end of the one before
   * @param end when it was durable
   * @param sample seconds of it for publishing weights and sampling
   * @param judge of it for rewards and costs
   * @param learn of it for forward, backward and step
   */
  record Step(
      double tokens, Instant begin, Instant end, double sample, double judge, double learn) {
    double seconds() {
      return Duration.between(begin, end).toNanos() / 1e9;
    }

    /** The checkpoint, the database, and whatever else. */
    double rest() {
      return seconds() - sample - judge - learn;
    }
  }

  /**
   * A run of so many iterations and one before them, which warms up and does not count.
   *
   * @param staleness how many versions sampling may lag behind learning
   */
  List<Step> steps(int count, int staleness) {
    created++;
    String id =
        runs.withDeadlineAfter(60, TimeUnit.SECONDS)
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(metadata())
                    .setSpec(spec(count, staleness))
                    .build())
            .getRun()
            .getRunId();
    Iterator<WatchRunResponse> events =
        runs.withDeadlineAfter(10, TimeUnit.MINUTES)
            .watchRun(WatchRunRequest.newBuilder().setMetadata(metadata()).setRunId(id).build());
    List<Step> steps = new ArrayList<>();
    IterationMetrics before = null;
    while (events.hasNext()) {
      WatchRunResponse event = events.next();
      if (event.hasIteration()) {
        IterationMetrics now = event.getIteration();
        if (before != null) {
          steps.add(step(before, now));
        }
        before = now;
      }
      RunState state = event.getRun().getState();
      if (FAILED.contains(state)) {
        throw new IllegalStateException("the run is " + state + ": " + event.getRun().getMessage());
      }
      if (ENDED.contains(state)) {
        break;
      }
    }
    if (steps.size() != count) {
      throw new IllegalStateException(
          "%d iterations were seen (expected: %d)".formatted(steps.size(), count));
    }
    return steps;
  }

  /** The same as one. */
  GrpoWork.Steps together(int count, int staleness) {
    List<Step> steps = steps(count, staleness);
    return new GrpoWork.Steps(
        count,
        steps.stream().mapToDouble(Step::tokens).sum(),
        steps.stream().mapToDouble(Step::seconds).sum());
  }

  private static Step step(IterationMetrics before, IterationMetrics now) {
    if (now.getSamplesCount() < LEAST_SHARE * GrpoWork.PROMPTS * GrpoWork.GROUP) {
      throw new IllegalStateException(
          "iteration %d learned from %d completions of %d"
              .formatted(
                  now.getIteration(), now.getSamplesCount(), GrpoWork.PROMPTS * GrpoWork.GROUP));
    }
    return new Step(
        now.getMeanCompletionTokens() * now.getSamplesCount(),
        instant(before.getCommitTime()),
        instant(now.getCommitTime()),
        now.getSampleSeconds(),
        now.getJudgeSeconds(),
        now.getLearnSeconds());
  }

  private static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  /** Each run has a candidate, which is tested on a few prompts that no other test has seen. */
  private String spec(int count, int staleness) {
    List<String> held = new ArrayList<>();
    for (int i = 0; i < TEST_PROMPTS; i++) {
      held.add(BenchTexts.words(1_000_000L + (long) created * TEST_PROMPTS + i, 8));
    }
    return """
        name: bench-%d
        policy: {model: java-tiny, version: "1"}
        iterations: %d
        seed: %d
        algorithm: GRPO
        kl: {coefficient: 0}
        objective: {importance_cap: %d}
        learning_rate: %s
        rollout: {prompts_per_iteration: %d, completions_per_prompt: %d, max_prompt_tokens: %d,
          max_new_tokens: %d, stop_strings: [], staleness: %d}
        prompts: {inline: %s}
        reward: %s
        constraint: {enabled: false}
        safety_test: {cost_model: {model: java-cost, version: "2"}, threshold: 0.9, delta: 0.1,
          max_new_tokens: 1, prompts: {inline: %s}}
        promotion: NEVER
        """
        .formatted(
            created,
            count + 1,
            created,
            staleness == 0 ? 0 : IMPORTANCE_CAP,
            GrpoWork.LEARNING_RATE,
            GrpoWork.PROMPTS,
            GrpoWork.GROUP,
            GrpoWork.PROMPT_TOKENS,
            GrpoWork.NEW_TOKENS,
            staleness,
            quoted(prompts),
            reward,
            quoted(held));
  }

  private static String quoted(List<String> texts) {
    try {
      return JSON.writeValueAsString(texts);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder()
        .setTenant("bench")
        .setPriority(Priority.PRIORITY_TRAINER)
        .build();
  }
}
